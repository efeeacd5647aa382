import CInterposition

/// Bounds how often strangers wake libzmq's I/O thread of the TCP endpoints: `CInterposition` says how.
///
/// It holds for the whole process. Where the system lacks what it needs (descriptors, /proc), strangers are not paced.
package enum Pacing {
    /// Milliseconds in which the I/O thread handles only what members send, before it handles what else has arrived. A join needs
    /// some ten messages.
    package static let interval: Int32 = 1

    /// Starts pacing.
    ///
    /// - Parameter milliseconds: How long the I/O thread waits for members.
    package static func start(milliseconds: Int32 = interval) { _ = pacing_start(milliseconds) }

    /// What arrives over a member's connection does not wait from now on.
    ///
    /// - Parameter descriptor: The connection's descriptor, which is open.
    package static func prefer(_ descriptor: Int32) { _ = pacing_prefer(descriptor) }

    /// The connection is no member's any more.
    ///
    /// - Parameter descriptor: The connection's descriptor, which is open.
    package static func stopPreferring(_ descriptor: Int32) { pacing_stop_preferring(descriptor) }
}

/// How much of what a peer sends may lie unread, unfinished messages included, before its connection is cut.
///
/// libzmq gathers a message until it is complete and keeps it until it is read. Its own limit counts one frame, and a
/// message may have any number of them. An empty frame takes 2 bytes on its way and 64 in memory, so that what lies unread
/// may take 32 times as much memory as bytes.
struct ConnectionLimits: Hashable, Sendable {
    /// Bytes of a connection that is no active member's: all that such a peer may say at once is shorter.
    var nonMember: UInt64 = 128 << 10
    /// Bytes of all those connections together.
    var nonMembers: UInt64 = 512 << 10
    /// Bytes of an active member's connection: the gradients that it may hold, and whatever else it says.
    var member: UInt64
    /// Bytes that a handshake takes at most: they are received and never delivered.
    static let handshake: UInt64 = 1 << 10
    /// Bytes a second that a member's heartbeats take at most; the same holds for them.
    static let heartbeats = 1_024.0

    /// - Parameter gradientBytes: Bytes of all gradients that a worker may have to send at once.
    init(gradientBytes: Int) {
        member = UInt64(gradientBytes) + 8 << 20
    }

    /// Bytes that a frame takes on its way: flags, size and, with CURVE, what encryption adds (ZeroMQ's RFCs 23, 26).
    ///
    /// - Parameters:
    ///   - count: The frame's own bytes.
    ///   - isEncrypted: Whether it came over a connection with CURVE.
    /// - Returns: Bytes of the TCP stream.
    static func bytesOnWire(_ count: Int, isEncrypted: Bool) -> Int {
        let content = isEncrypted ? count + curveOverhead : count
        return content + (content > 255 ? 9 : 2)
    }

    /// Bytes that CURVE adds to a frame: command name 8, nonce 8, authenticator 16, flags 1 (ZeroMQ's RFC 26).
    static let curveOverhead = 33
}

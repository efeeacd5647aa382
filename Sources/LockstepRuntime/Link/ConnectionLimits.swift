/// How many bytes a peer may leave unread before its connection is cut. Unfinished messages count.
///
/// libzmq collects the frames of a message until the message is complete, and keeps it until the loop reads it.
/// libzmq's own limit is for one frame, and a message may have any number of frames. An empty frame has 2 bytes on the
/// wire and takes 64 bytes of memory, so unread bytes may take 32 times as much memory.
struct ConnectionLimits: Hashable, Sendable {
    /// Bytes of one connection whose peer is no active member. Everything that such a peer may send at once is shorter.
    var nonMember: UInt64 = 128 << 10
    /// Bytes of all such connections together.
    var nonMembers: UInt64 = 512 << 10
    /// Bytes of an active member's connection: its gradients and its other messages.
    var member: UInt64
    /// The most bytes of a handshake. The connection receives them, and the loop never reads them.
    static let handshake: UInt64 = 1 << 10
    /// The most bytes per second of a member's heartbeats. The loop never reads these either.
    static let heartbeats = 1_024.0

    /// - Parameter gradientBytes: Bytes of all gradients that a worker may have to send at once.
    init(gradientBytes: Int) {
        member = UInt64(gradientBytes) + 8 << 20
    }

    /// A frame's bytes on the wire: flags, size, content and, with CURVE, what encryption adds (ZeroMQ's RFCs 23, 26).
    ///
    /// - Parameters:
    ///   - count: The frame's own bytes.
    ///   - isEncrypted: Whether the connection uses CURVE.
    /// - Returns: Bytes of the TCP stream.
    static func bytesOnWire(_ count: Int, isEncrypted: Bool) -> Int {
        let content = isEncrypted ? count + curveOverhead : count
        return content + (content > 255 ? 9 : 2)
    }

    /// Bytes that CURVE adds to a frame: command name 8, nonce 8, authenticator 16, flags 1 (ZeroMQ's RFC 26).
    static let curveOverhead = 33
}

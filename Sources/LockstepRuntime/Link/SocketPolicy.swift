import LockstepCluster
import LockstepProtocol
import LockstepTimeline
import ZeroMQ

/// What all sockets of a run have in common.
enum SocketPolicy {
    /// Sets the options that every socket of a run has. Call it before the socket binds or connects.
    ///
    /// The state machines limit how many messages are under way, so there are no high-water marks: a socket with a full
    /// inbound queue stops reading, heartbeats included, and so loses a healthy peer.
    ///
    /// The limit of a message includes what CURVE adds to a frame; otherwise the largest chunks would end their
    /// connection. The decoders enforce the smaller limit of each message kind.
    static func configure(_ socket: borrowing Socket, _ deadlines: Deadlines) throws(ZeroMQError) {
        try socket.set(.sendHighWaterMark, 0)
        try socket.set(.receiveHighWaterMark, 0)
        try socket.set(.maximumMessageSize, Int64(MessageKind.payloadLimit + ConnectionLimits.curveOverhead))
        try socket.set(.handshakeInterval, milliseconds(deadlines.connection))
        try socket.set(.heartbeatInterval, milliseconds(deadlines.heartbeatInterval))
        try socket.set(.heartbeatTimeout, milliseconds(deadlines.heartbeatTimeout))
        try socket.set(.heartbeatTimeToLive, milliseconds(deadlines.heartbeatTimeout))
        try socket.set(.linger, milliseconds(deadlines.linger))
    }

    /// A deadline in libzmq's unit.
    static func milliseconds(_ seconds: Double) -> Int32 {
        Int32(max(0, min(seconds * 1_000, 1e9)))
    }

    /// How long a loop may sleep, in milliseconds: until the deadline, and at most a second, so that it misses nothing
    /// for ever.
    static func pollTimeout(until deadline: Instant?, now: Instant) -> Int {
        guard let deadline else { return 1_000 }
        guard deadline > now else { return 0 }
        return Int(min(1_000, (deadline.nanoseconds - now.nanoseconds) / 1_000_000 + 1))
    }
}

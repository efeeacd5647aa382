import LockstepCluster
import LockstepProtocol
import LockstepTimeline
import ZeroMQ

extension Socket {
    /// The settings that every socket of a run has, before it binds or connects.
    ///
    /// Flow is bounded by what the state machines hand out, not by high-water marks: a full inbound queue would stop
    /// reading, heartbeats included, and so kill a healthy peer.
    ///
    /// The limit of a message counts what CURVE adds to a frame: without room for it the largest chunks would end their
    /// connection. The kinds' own limits hold for what is decoded.
    func configure(_ deadlines: Deadlines) throws(ZeroMQError) {
        try set(.sendHighWaterMark, 0)
        try set(.receiveHighWaterMark, 0)
        try set(.maximumMessageSize, Int64(MessageKind.payloadLimit + ConnectionLimits.curveOverhead))
        try set(.handshakeInterval, milliseconds(deadlines.connection))
        try set(.heartbeatInterval, milliseconds(deadlines.heartbeatInterval))
        try set(.heartbeatTimeout, milliseconds(deadlines.heartbeatTimeout))
        try set(.heartbeatTimeToLive, milliseconds(deadlines.heartbeatTimeout))
        try set(.linger, milliseconds(deadlines.linger))
    }
}

/// A deadline as libzmq takes it.
func milliseconds(_ seconds: Double) -> Int32 {
    Int32(max(0, min(seconds * 1_000, 1e9)))
}

extension Poller {
    /// How long a loop may sleep: until the deadline, but a second at most, so that nothing is missed for ever.
    static func timeout(until deadline: Instant?, now: Instant) -> Int {
        guard let deadline else { return 1_000 }
        guard deadline > now else { return 0 }
        return Int(min(1_000, (deadline.nanoseconds - now.nanoseconds) / 1_000_000 + 1))
    }
}

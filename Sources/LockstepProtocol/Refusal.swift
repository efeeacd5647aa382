/// The coordinator does not admit a worker, or ends its membership.
package typealias Refusal = CodedMessage<RefusalCode>

/// Why a worker is refused, which tells it what to do.
package enum RefusalCode: UInt16, MessageCode {
    /// Is not, or no longer, a member of this run: say hello again.
    case rejoin = 1
    /// Speaks another version of the protocol.
    case protocolVersion = 2
    /// Is another release of lockstep, which may compute other bits.
    case programVersion = 3
    /// The run has all the workers that it admits.
    case full = 4
    /// Its matrix library computes other bits.
    case fingerprint = 5
    /// The run is over or ending.
    case ending = 6
    /// Sent bytes that are no message, or a message out of turn.
    case malformed = 7
    /// Shares no memory with the coordinator, and the run wants payload in shared memory.
    case transport = 8
    /// An audit has found an answer of this process wrong.
    case quarantined = 9

    package static var messageKind: MessageKind { .refuse }
}

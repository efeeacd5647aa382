/// The coordinator does not admit a worker, or ends its membership.
package typealias Refusal = CodedMessage<RefusalCode>

/// Why the coordinator refuses a worker. The code tells the worker what to do.
package enum RefusalCode: UInt16, MessageCode {
    /// The worker is no member of this run, or no longer: it should say hello again.
    case rejoin = 1
    /// The worker has another version of the protocol.
    case protocolVersion = 2
    /// The worker has another version of lockstep, which may compute other bits.
    case programVersion = 3
    /// The run has as many workers as it admits.
    case full = 4
    /// The worker's compute library computes other bits.
    case fingerprint = 5
    /// The run is over or ending.
    case ending = 6
    /// The worker sent bytes that are no message, or a message out of order.
    case malformed = 7
    /// The run requires payload in shared memory, and the worker shares none with the coordinator.
    case transport = 8
    /// An answer of this process was wrong, or the memory of its host has changed data sets too often.
    case quarantined = 9
    /// The link to it carries no step within the deadlines.
    case link = 10

    package static var messageKind: MessageKind { .refuse }
}

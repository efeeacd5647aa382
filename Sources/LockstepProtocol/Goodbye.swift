/// A worker leaves of its own accord, or the coordinator ends the run.
package typealias Goodbye = CodedMessage<GoodbyeCode>

/// Why the sender of a goodbye leaves.
package enum GoodbyeCode: UInt16, MessageCode {
    /// All epochs are trained.
    case finished = 1
    /// The sender was asked to stop: the run can be resumed, the worker can come back.
    case stopping = 2
    /// The sender failed.
    case failed = 3

    package static var messageKind: MessageKind { .goodbye }
}

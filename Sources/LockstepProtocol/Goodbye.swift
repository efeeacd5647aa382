/// A worker leaves, or the coordinator ends the run.
package typealias Goodbye = CodedMessage<GoodbyeCode>

/// Why the sender of a goodbye leaves.
package enum GoodbyeCode: UInt16, MessageCode {
    /// All epochs are trained.
    case finished = 1
    /// A signal asked the sender to stop. The run can be resumed; the worker can join again.
    case stopping = 2
    /// The sender failed.
    case failed = 3

    package static var messageKind: MessageKind { .goodbye }
}

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
    /// The sender's copy of the data set has changed in its memory, so its answers since the copy was intact may be wrong.
    case dataChanged = 4
    /// The code of the program's own model has thrown an error in the worker, which ends the run.
    case modelFailed = 5

    /// Whether the sender leaves because something is wrong with it.
    package var isFailure: Bool { self == .failed || self == .dataChanged || self == .modelFailed }

    package static var messageKind: MessageKind { .goodbye }
}

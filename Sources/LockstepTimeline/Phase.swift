/// What a thread of a run is doing.
package enum Phase: UInt8, CaseIterable, Sendable {
    /// Everything that is not named below: decisions, reports, system calls.
    case other
    /// Copies and scales a block's samples.
    case gather
    /// The forward pass: from the samples to the outputs.
    case forward
    /// The backward pass: from the losses to the gradients.
    case backward
    /// Encodes messages and passes them to libzmq.
    case send
    /// Receives messages from libzmq and decodes them.
    case receive
    /// Sleeps until a message arrives.
    case wait
    /// Adds gradients.
    case reduce
    /// The optimizer's step.
    case update
    /// Sends new weights to the workers.
    case broadcast
}

/// What a process of a run is doing.
package enum Phase: UInt8, CaseIterable, Sendable {
    /// Whatever is not named below: decisions, reports, the operating system's business.
    case other
    /// Fetches and scales a block's samples.
    case gather
    /// From the samples to the outputs.
    case forward
    /// From the costs back to the gradients.
    case backward
    /// Puts messages together and hands them to libzmq.
    case send
    /// Takes messages from libzmq and reads them.
    case receive
    /// Sleeps until something arrives.
    case wait
    /// Adds gradients up.
    case reduce
    /// The optimizer's step.
    case update
    /// Hands new weights to the workers.
    case broadcast
}

package import LockstepArtifacts

/// What happens in a series of runs under chaos, for people.
package enum ChaosNotice {
    /// The undisturbed run has finished.
    case undisturbed(RunSummary)
    /// A fault happens now.
    case injection(ChaosInjection)
    /// A disturbed run has ended.
    case finished(run: Int, seed: UInt64, ChaosOutcome, isEqual: Bool)
}

/// A fault that happens to a process of a run.
package struct ChaosInjection: Hashable, Sendable {
    package enum Target: Hashable, Sendable {
        case worker(Int)
        case coordinator
    }

    /// What follows from the fault.
    package enum Effect: Hashable, Sendable {
        /// Nothing: a worker that joined late is not replaced, or has just joined.
        case none
        /// Another process takes the place of a killed worker after so many seconds.
        case replaced(after: Double)
        /// The process stands still for so many seconds.
        case stopped(seconds: Double)
        /// The process gets a tenth of the processor time for so many seconds.
        case slowed(seconds: Double)
        /// The worker cannot connect for so many seconds.
        case disconnected(seconds: Double)
        /// Nothing arrives for so many seconds; then the connection is cut, or everything arrives.
        case partitioned(seconds: Double, isCut: Bool)
        /// Bytes arrive so many seconds late; `isDown`: those to the worker, and not those from it.
        case delayed(seconds: Double, isDown: Bool)
        /// The next bytes are damaged; `isDown`: those to the worker, and not those from it.
        case damaged(isDown: Bool)
        /// The coordinator is started again after so many seconds, with another number of workers if it changes. It
        /// continues from the checkpoint of the step `checkpoint`.
        case resumed(after: Double, workers: Int, before: Int, checkpoint: UInt64)
    }

    /// Since the start of the run.
    package let seconds: Double
    /// The step at that time.
    package let step: UInt64
    package let fault: ChaosPlan.Fault
    package let target: Target
    package let processID: Int32
    package let effect: Effect

    package init(
        seconds: Double, step: UInt64, fault: ChaosPlan.Fault, target: Target, processID: Int32, effect: Effect
    ) {
        self.seconds = seconds
        self.step = step
        self.fault = fault
        self.target = target
        self.processID = processID
        self.effect = effect
    }
}

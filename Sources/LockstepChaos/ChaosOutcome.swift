package import LockstepArtifacts

/// How one run under chaos ended.
package struct ChaosOutcome {
    /// Faults that happened, by kind.
    package var injected: [ChaosPlan.Fault: Int] = [:]
    /// Faults in the plan.
    package var planned = 0
    /// The summary of a run that finished.
    package var summary: RunSummary?
    /// What went wrong without a fault as its cause.
    package var problems: [String] = []
    /// Steps that were lost with each killed coordinator: from its newest checkpoint to the step it was last seen at.
    package var redoneSteps: [UInt64] = []

    package init() {}

    /// Whether every epoch ended with the weights and counts of the undisturbed run.
    package func isEqual(to undisturbed: RunSummary) -> Bool {
        guard let summary else { return false }
        return summary.weightsSHA256 == undisturbed.weightsSHA256
            && summary.epochs.map(\.weightsSHA256) == undisturbed.epochs.map(\.weightsSHA256)
            && summary.epochs.map(\.correct) == undisturbed.epochs.map(\.correct)
    }

    package var injectedCount: Int { injected.values.reduce(0, +) }
}

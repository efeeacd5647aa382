import LockstepArtifacts

/// What came of one run under chaos.
struct ChaosOutcome {
    /// What was done, how often.
    var injected: [ChaosPlan.Fault: Int] = [:]
    /// How much the plan had.
    var planned = 0
    /// Of a run that came to its end.
    var summary: RunSummary?
    /// What should not have happened.
    var problems: [String] = []
    /// Steps that were lost with each killed coordinator: from its newest checkpoint to where it was last seen.
    var redoneSteps: [UInt64] = []

    /// Whether it ended as the undisturbed run did, epoch by epoch.
    func isEqual(to undisturbed: RunSummary) -> Bool {
        guard let summary else { return false }
        return summary.weightsSHA256 == undisturbed.weightsSHA256
            && summary.epochs.map(\.weightsSHA256) == undisturbed.epochs.map(\.weightsSHA256)
            && summary.epochs.map(\.correct) == undisturbed.epochs.map(\.correct)
    }

    var injectedCount: Int { injected.values.reduce(0, +) }
}

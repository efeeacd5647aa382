import LockstepTimeline

/// When to save a state, so that a run that ends at any moment loses at most one period.
///
/// A state is copied early enough to be on the disk within one period from the copy before it.
struct CheckpointSchedule {
    /// The time between two checkpoints; nil: no checkpoints by the clock.
    private let period: Duration?
    /// When the last state was copied.
    private var copiedAt: Instant
    /// How long before the period's end the next state is copied: the time that writing takes. At most half the period,
    /// and half the period until that time is known.
    private var lead: Duration
    private var isMeasured = false

    /// - Parameters:
    ///   - period: The time between two checkpoints; nil: no checkpoints by the clock.
    ///   - start: When the run starts, from a state that is saved.
    init(period: Duration?, start: Instant) {
        self.period = period
        copiedAt = start
        lead = (period ?? .zero) / 2
    }

    func isDue(at now: Instant) -> Bool {
        period.map { now.since(copiedAt) >= $0 - lead } ?? false
    }

    mutating func stateWasCopied(at now: Instant) {
        copiedAt = now
    }

    /// Records that the state that was copied last is on the disk.
    mutating func stateWasSaved(at now: Instant) {
        guard let period else { return }
        // A disk may be slow for a moment: after a long write the lead falls slowly.
        let recent = max(now.since(copiedAt) * 5 / 4, isMeasured ? lead * 7 / 8 : .zero)
        isMeasured = true
        lead = min(recent, period / 2)
    }
}

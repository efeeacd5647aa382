/// When a state is to be taken, so that whatever ends the run costs no more than one period of it: a state is on the disk
/// within the period from when the one before was taken, the time for writing included.
struct CheckpointSchedule {
    /// Between two checkpoints; nil: none by the clock.
    private let period: Duration?
    private var takenAt: ContinuousClock.Instant
    /// How long before the period's end the next state is taken: what writing takes. Half the period while that is
    /// unknown, and at the most.
    private var lead: Duration
    private var isMeasured = false

    /// - Parameters:
    ///   - period: Between two checkpoints; nil: none by the clock.
    ///   - start: The run's; what it starts from is safe.
    init(period: Duration?, start: ContinuousClock.Instant) {
        self.period = period
        takenAt = start
        lead = (period ?? .zero) / 2
    }

    func isDue(at now: ContinuousClock.Instant) -> Bool {
        period.map { now - takenAt >= $0 - lead } ?? false
    }

    mutating func stateWasTaken(at now: ContinuousClock.Instant) {
        takenAt = now
    }

    /// The state that was taken last is on the disk.
    mutating func stateWasSaved(at now: ContinuousClock.Instant) {
        guard let period else { return }
        // A disk is slow now and then: it is trusted again a little at a time.
        let recent = max((now - takenAt) * 5 / 4, isMeasured ? lead * 7 / 8 : .zero)
        isMeasured = true
        lead = min(recent, period / 2)
    }
}

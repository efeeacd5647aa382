import LockstepNumerics

/// Which steps of a run are audited: a fraction of them, chosen by the run's seed and the step's number alone.
struct AuditSchedule {
    private let fraction: Double
    private let random: Philox

    /// - Parameters:
    ///   - fraction: 0 for none to 1 for all.
    ///   - seed: The run's.
    init(fraction: Double, seed: UInt64) {
        self.fraction = fraction
        self.random = Philox(seed: seed)
    }

    func includes(_ step: UInt64) -> Bool {
        guard fraction > 0 else { return false }
        let position = RandomPosition(
            .audit, epoch: UInt32(truncatingIfNeeded: step >> 32), sample: UInt32(truncatingIfNeeded: step))
        return Double(random.words(at: position)[0]) < fraction * 0x1p32
    }
}

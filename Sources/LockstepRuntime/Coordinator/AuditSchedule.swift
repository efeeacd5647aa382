import LockstepNumerics

/// Chooses the steps that are audited: a fraction of all steps, by the run's seed and the step's number alone, and those
/// that are repeated because a result may have been wrong.
struct AuditSchedule {
    private let fraction: Double
    private let random: Philox
    /// All steps up to this one are audited.
    var last: UInt64?

    /// - Parameters:
    ///   - fraction: From 0 (no steps) to 1 (all steps).
    ///   - seed: The run's seed.
    init(fraction: Double, seed: UInt64) {
        self.fraction = fraction
        self.random = Philox(seed: seed)
    }

    /// Whether a step is audited.
    func includes(_ step: UInt64) -> Bool {
        if let last, step <= last { return true }
        guard fraction > 0 else { return false }
        let position = RandomPosition(
            .audit, epoch: UInt32(truncatingIfNeeded: step >> 32), sample: UInt32(truncatingIfNeeded: step))
        return Double(random.words(at: position)[0]) < fraction * 0x1p32
    }
}

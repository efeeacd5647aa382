package import LockstepConfiguration

/// The learning rate is multiplied by `factor` after every plateau (see ``PlateauDetector``), until it is `minimum` times
/// its peak.
///
/// M. Nielsen, "Neural Networks and Deep Learning", chapter 3, on learning rate schedules. PyTorch's ReduceLROnPlateau is
/// similar, and waits for one evaluation more.
package struct ReduceOnPlateauSchedule: ScheduleKind {
    package var factor: Double
    /// Evaluations in a row without improvement that make a plateau.
    package var plateau: Int
    package var minimum: Double

    package init(factor: Double = 0.1, plateau: Int = 10, minimum: Double = 0) {
        self.factor = factor
        self.plateau = plateau
        self.minimum = minimum
    }

    package static let name = "reduce-on-plateau"
    package static let defaults = ReduceOnPlateauSchedule()
    package static let keys = [
        ConfigurationKey(
            "factor", \ReduceOnPlateauSchedule.factor, .number(0..<1),
            "what each fall multiplies the learning rate by"),
        ConfigurationKey(
            "patience", \ReduceOnPlateauSchedule.plateau, .integer(1...1_000_000_000), unit: "evaluations",
            "evaluations in a row without a better validation count that make the learning rate fall"),
        ConfigurationKey(
            "minimum", \ReduceOnPlateauSchedule.minimum, .number(0..<1),
            "the part of the peak below which the learning rate does not fall"),
    ]
    package static let spansRun = false

    package var plateauLength: Int? { plateau }

    package func rate(at step: UInt64, peak: Double, _ length: RunLength) -> Double { peak }

    package func reduction(after plateaus: Int) -> Double {
        var reduction = 1.0
        // A running product; it ends early where it has become small enough.
        var left = plateaus
        while left > 0 && reduction > minimum { (reduction, left) = (reduction * factor, left - 1) }
        return max(reduction, minimum)
    }
}

extension ScheduleConfiguration {
    /// The learning rate falls where the validation samples show no improvement.
    package static func reduceOnPlateau(
        factor: Double = 0.1, plateau: Int = 10, minimum: Double = 0
    ) -> ScheduleConfiguration {
        ScheduleConfiguration(ReduceOnPlateauSchedule(factor: factor, plateau: plateau, minimum: minimum))
    }
}

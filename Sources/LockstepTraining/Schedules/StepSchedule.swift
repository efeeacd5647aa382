package import LockstepConfiguration

/// The learning rate is multiplied by `factor` after every `every` epochs.
package struct StepSchedule: ScheduleKind {
    package var every: Int
    package var factor: Double

    package static let name = "step"
    package static let defaults = StepSchedule(every: 1, factor: 0)
    package static let keys = [
        ConfigurationKey(
            "every", \StepSchedule.every, .integer(1...1_000_000_000), example: "10", unit: "epochs",
            "epochs between two falls of the learning rate"),
        ConfigurationKey(
            "factor", \StepSchedule.factor, .number(0..<1), example: "0.1",
            "what each fall multiplies the learning rate by"),
    ]
    package static let spansRun = false

    package func rate(at step: UInt64, peak: Double, _ length: RunLength) -> Double {
        var rate = peak
        // A running product; it ends early where the rate has become 0.
        var falls = step / (UInt64(every) * UInt64(length.stepsPerEpoch))
        while falls > 0 && rate > 0 { (rate, falls) = (rate * factor, falls - 1) }
        return rate
    }
}

extension ScheduleConfiguration {
    /// The learning rate is multiplied by `factor` after every `every` epochs.
    package static func step(every: Int, factor: Double) -> ScheduleConfiguration {
        ScheduleConfiguration(StepSchedule(every: every, factor: factor))
    }
}

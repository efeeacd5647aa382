package import LockstepConfiguration

/// The learning rate rises from `initial` times its peak along half a cosine over the first `warmUp` of the run's steps,
/// then falls to `final` times its peak.
///
/// Smith and Topin, "Super-convergence", 2018, in the form of PyTorch's OneCycleLR.
package struct OneCycleSchedule: ScheduleKind {
    package var warmUp: Double
    package var initial: Double
    package var final: Double

    package init(warmUp: Double = 0.3, initial: Double = 0.04, final: Double = 4e-6) {
        self.warmUp = warmUp
        self.initial = initial
        self.final = final
    }

    package static let name = "one-cycle"
    package static let defaults = OneCycleSchedule()
    package static let keys = [
        ConfigurationKey(
            "warm-up", \OneCycleSchedule.warmUp, .number(0..<1),
            "the part of the run in which the learning rate rises"),
        ConfigurationKey(
            "initial", \OneCycleSchedule.initial, .number(0..<1), "the part of the peak that the run begins with"),
        ConfigurationKey(
            "final", \OneCycleSchedule.final, .number(0..<1), "the part of the peak that is left at the run's end"),
    ]
    package static let spansRun = true

    package func rate(at step: UInt64, peak: Double, _ length: RunLength) -> Double {
        let t = Double(step)
        let rising = warmUp * length.steps
        if t < rising { return peak * cosineInterpolation(from: initial, to: 1, t / rising) }
        return peak * cosineInterpolation(from: 1, to: final, (t - rising) / max(1, length.steps - 1 - rising))
    }
}

extension ScheduleConfiguration {
    /// The learning rate rises to its peak and falls again.
    package static func oneCycle(
        warmUp: Double = 0.3, initial: Double = 0.04, final: Double = 4e-6
    ) -> ScheduleConfiguration {
        ScheduleConfiguration(OneCycleSchedule(warmUp: warmUp, initial: initial, final: final))
    }
}

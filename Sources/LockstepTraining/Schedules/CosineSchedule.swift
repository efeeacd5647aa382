package import LockstepConfiguration

/// The learning rate rises evenly over the first `warmUp` of the run's steps, then falls along half a cosine to `final`
/// times its peak.
///
/// Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, without restarts.
package struct CosineSchedule: ScheduleKind {
    package var warmUp: Double
    package var final: Double

    package init(warmUp: Double = 0, final: Double = 0) {
        self.warmUp = warmUp
        self.final = final
    }

    package static let name = "cosine"
    package static let defaults = CosineSchedule()
    package static let keys = [
        ConfigurationKey(
            "warm-up", \CosineSchedule.warmUp, .number(0..<1), "the part of the run in which the learning rate rises"),
        ConfigurationKey(
            "final", \CosineSchedule.final, .number(0..<1), "the part of the peak that is left at the run's end"),
    ]
    package static let spansRun = true

    package func rate(at step: UInt64, peak: Double, _ length: RunLength) -> Double {
        let t = Double(step)
        let rising = warmUp * length.steps
        if t < rising { return peak * ((t + 1) / (rising + 1)) }
        return peak * cosineInterpolation(from: 1, to: final, (t - rising) / (length.steps - rising))
    }
}

extension ScheduleConfiguration {
    /// The learning rate falls along half a cosine.
    package static func cosine(warmUp: Double = 0, final: Double = 0) -> ScheduleConfiguration {
        ScheduleConfiguration(CosineSchedule(warmUp: warmUp, final: final))
    }
}

import LockstepNumerics

/// The learning rate of each step, in double: a peak times the schedule's factor.
///
/// Schedules count steps, never workers or seconds.
package struct LearningRate: Hashable, Sendable {
    private let peak: Double
    private let schedule: ScheduleConfiguration
    private let stepsPerEpoch: Int
    /// Steps of the whole run.
    private let steps: Double

    /// - Parameters:
    ///   - peak: The optimizer's learning rate.
    ///   - schedule: What becomes of it.
    ///   - stepsPerEpoch: Mini-batches of an epoch.
    ///   - epochs: Epochs of the run.
    package init(peak: Double, schedule: ScheduleConfiguration = .constant, stepsPerEpoch: Int, epochs: Int) {
        precondition(stepsPerEpoch >= 1 && epochs >= 0)
        self.peak = peak
        self.schedule = schedule
        self.stepsPerEpoch = stepsPerEpoch
        self.steps = Double(epochs) * Double(stepsPerEpoch)
    }

    /// η of the step with this number, counted from 0.
    package func value(at step: UInt64) -> Double {
        let t = Double(step)
        switch schedule {
        case .constant:
            return peak
        case .step(let every, let factor):
            var rate = peak
            // A running product, which ends where nothing is left.
            var falls = step / (UInt64(every) * UInt64(stepsPerEpoch))
            while falls > 0 && rate > 0 { (rate, falls) = (rate * factor, falls - 1) }
            return rate
        case .cosine(let warmUp, let final):
            let rising = warmUp * steps
            if t < rising { return peak * ((t + 1) / (rising + 1)) }
            return peak * ease(from: 1, to: final, (t - rising) / (steps - rising))
        case .oneCycle(let warmUp, let initial, let final):
            let rising = warmUp * steps
            if t < rising { return peak * ease(from: initial, to: 1, t / rising) }
            return peak * ease(from: 1, to: final, (t - rising) / max(1, steps - 1 - rising))
        }
    }

    /// From `start` to `end` along half a cosine as `progress` goes from 0 to 1, where it stays.
    private func ease(from start: Double, to end: Double, _ progress: Double) -> Double {
        let cosine = sineAndCosine(halfTurns: min(1, max(0, progress))).cosine
        return end + (start - end) * (0.5 * (1 + cosine))
    }
}

extension ScheduleConfiguration {
    /// Whether the schedule's shape depends on how many epochs the run has; then a resumed run cannot change them.
    package var spansRun: Bool {
        switch self {
        case .constant, .step: false
        case .cosine, .oneCycle: true
        }
    }
}

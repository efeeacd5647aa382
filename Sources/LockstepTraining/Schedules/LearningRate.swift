/// The learning rate of each step, in double: a peak that the schedule scales.
///
/// Schedules count steps, never workers or seconds.
package struct LearningRate: Sendable {
    private let peak: Double
    private let schedule: any ScheduleKind
    private let length: RunLength

    /// - Parameters:
    ///   - peak: The optimizer's learning rate.
    ///   - schedule: How the rate changes from step to step.
    ///   - stepsPerEpoch: Mini-batches of an epoch.
    ///   - epochs: Epochs of the run.
    package init(peak: Double, schedule: ScheduleConfiguration = .constant, stepsPerEpoch: Int, epochs: Int) {
        precondition(stepsPerEpoch >= 1 && epochs >= 0)
        self.peak = peak
        self.schedule = schedule.schedule
        self.length = RunLength(stepsPerEpoch: stepsPerEpoch, steps: Double(epochs) * Double(stepsPerEpoch))
    }

    /// η of the step with this number, counted from 0.
    package func value(at step: UInt64) -> Double {
        schedule.rate(at: step, peak: peak, length)
    }
}

/// The learning rate of each step, in double: a peak that the schedule scales.
///
/// Schedules count steps and evaluations, never workers or seconds. Only the coordinator's update uses the rate, so no
/// worker needs to know the evaluations.
package final class LearningRate {
    private let peak: Double
    private let schedule: any ScheduleKind
    private let length: RunLength
    /// What the evaluations so far have shown; nil if the schedule does not follow them.
    private var plateaus: PlateauDetector?
    /// What the evaluations have left of the rate.
    private var reduction = 1.0

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
        reset()
    }

    /// η of the step with this number, counted from 0, as far as the evaluations so far decide it.
    package func value(at step: UInt64) -> Double {
        schedule.rate(at: step, peak: peak, length) * reduction
    }

    /// Adds an evaluation, which comes before the steps that follow.
    ///
    /// - Parameter merit: The ``SplitScore/merit`` of the validation samples.
    package func add(_ merit: Double) {
        plateaus?.add(merit)
        reduction = plateaus.map { schedule.reduction(after: $0.count) } ?? 1
    }

    /// Forgets all evaluations.
    package func reset() {
        plateaus = schedule.plateauLength.map(PlateauDetector.init)
        reduction = 1
    }
}

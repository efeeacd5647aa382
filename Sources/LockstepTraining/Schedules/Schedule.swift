package import LockstepConfiguration
import LockstepNumerics

/// How the learning rate changes during a run: a kind that the configuration names, with its settings.
package protocol ScheduleKind: ConfigurationKind {
    /// Whether the shape depends on how many epochs the run has; a resumed run cannot change them then.
    static var spansRun: Bool { get }

    /// η of a step.
    ///
    /// - Parameters:
    ///   - step: Counted from 0 over the whole run.
    ///   - peak: The optimizer's learning rate.
    ///   - length: The steps of the run.
    /// - Returns: The learning rate.
    func rate(at step: UInt64, peak: Double, _ length: RunLength) -> Double

    /// Evaluations in a row without a better validation count that lower the rate; nil: it does not depend on evaluations.
    var plateauLength: Int? { get }

    /// What the rate is multiplied by.
    ///
    /// - Parameter plateaus: The plateaus so far.
    /// - Returns: 1 or less.
    func reduction(after plateaus: Int) -> Double
}

/// For a schedule that depends on the step alone.
extension ScheduleKind {
    package var plateauLength: Int? { nil }
    package func reduction(after plateaus: Int) -> Double { 1 }
}

/// How many steps a run has.
package struct RunLength: Hashable, Sendable {
    /// Mini-batches of an epoch.
    package let stepsPerEpoch: Int
    /// Steps of the whole run.
    package let steps: Double
}

/// The schedule of the learning rate.
package struct ScheduleConfiguration: ConfigurationKinds {
    /// The registry: a row for each schedule.
    package static let schedules: [any ScheduleKind.Type] = [
        ConstantSchedule.self, StepSchedule.self, CosineSchedule.self, OneCycleSchedule.self,
        ReduceOnPlateauSchedule.self,
    ]

    package static var all: [any ConfigurationKind.Type] { schedules }

    package let schedule: any ScheduleKind

    package var kind: any ConfigurationKind { schedule }

    package init(_ schedule: any ScheduleKind) {
        self.schedule = schedule
    }

    package init?(kind: any ConfigurationKind) {
        guard let schedule = kind as? any ScheduleKind else { return nil }
        self.init(schedule)
    }

    /// Whether the schedule's shape depends on how many epochs the run has.
    package var spansRun: Bool { type(of: schedule).spansRun }

    /// Whether the rate depends on evaluations.
    package var followsValidation: Bool { schedule.plateauLength != nil }
}

/// From `start` to `end` along half a cosine as `progress` goes from 0 to 1; constant outside.
func cosineInterpolation(from start: Double, to end: Double, _ progress: Double) -> Double {
    let cosine = sineAndCosine(halfTurns: min(1, max(0, progress))).cosine
    return end + (start - end) * (0.5 * (1 + cosine))
}

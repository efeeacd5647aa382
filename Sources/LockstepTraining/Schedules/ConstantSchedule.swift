package import LockstepConfiguration

/// The learning rate stays what it is.
package struct ConstantSchedule: ScheduleKind {
    package static let name = "constant"
    package static let defaults = ConstantSchedule()
    package static let keys: [ConfigurationKey<ConstantSchedule>] = []
    package static let spansRun = false

    package func rate(at step: UInt64, peak: Double, _ length: RunLength) -> Double { peak }
}

extension ScheduleConfiguration {
    /// The learning rate stays what it is.
    package static let constant = ScheduleConfiguration(ConstantSchedule())
}

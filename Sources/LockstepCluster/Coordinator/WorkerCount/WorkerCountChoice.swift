/// The number of workers that compute, and why; for people.
package struct WorkerCountChoice: Hashable, Sendable {
    /// The time of a step with another number of workers.
    package struct Alternative: Hashable, Sendable {
        /// 0: the coordinator computes alone.
        package let workers: Int
        package let seconds: Double
        /// Whether the time was measured, not only predicted.
        package let isMeasured: Bool
    }

    /// 0: the coordinator computes alone.
    package let workers: Int
    /// Seconds of a step.
    package let seconds: Double
    /// The best other number.
    package let alternative: Alternative?
    /// Whether the run has computed with another chosen number before.
    package let isChange: Bool
}

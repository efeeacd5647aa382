/// How many workers compute, and why: news for people.
package struct WorkerCountChoice: Hashable, Sendable {
    /// What a step takes with another number of workers.
    package struct Alternative: Hashable, Sendable {
        /// 0: the coordinator computes alone.
        package let workers: Int
        package let seconds: Double
        /// Whether it was tried, not only predicted.
        package let isMeasured: Bool
    }

    /// 0: the coordinator computes alone.
    package let workers: Int
    /// Of a step.
    package let seconds: Double
    /// The best of the others.
    package let alternative: Alternative?
    /// Whether another number was chosen before.
    package let isChange: Bool
}

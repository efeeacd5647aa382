/// The processes that compute steps.
package struct ComputingProcesses: Hashable, Sendable {
    /// The number of workers that compute.
    package let workers: Int
    /// Whether the coordinator computes, too.
    package let includesCoordinator: Bool

    /// The coordinator computes alone.
    package static let coordinator = ComputingProcesses(workers: 0, includesCoordinator: true)

    package init(workers: Int, includesCoordinator: Bool) {
        self.workers = workers
        self.includesCoordinator = includesCoordinator
    }

    package var count: Int { workers + (includesCoordinator ? 1 : 0) }
    package var isCoordinatorAlone: Bool { workers == 0 }
}

/// The processes that compute steps, and why; for people.
package struct WorkerCountChoice: Hashable, Sendable {
    /// The time of a step with other processes.
    package struct Alternative: Hashable, Sendable {
        package let processes: ComputingProcesses
        package let seconds: Double
        /// Whether the time was measured, not only predicted.
        package let isMeasured: Bool
    }

    package let processes: ComputingProcesses
    /// Seconds of a step.
    package let seconds: Double
    /// The best other choice.
    package let alternative: Alternative?
    /// Whether the run has computed with other chosen processes before.
    package let isChange: Bool
}

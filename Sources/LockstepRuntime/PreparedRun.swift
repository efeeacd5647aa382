package import LockstepBLAS
package import LockstepData
package import LockstepNetwork
import LockstepNumerics
package import LockstepSharding
package import LockstepTraining

/// A run with everything resolved and loaded, ready for its first step.
package struct PreparedRun {
    /// With shards and kernel resolved.
    package let configuration: RunConfiguration
    package internal(set) var dataset: Dataset
    package let library: MatrixLibrary
    package let layout: ParameterLayout
    package let schedule: BatchSchedule

    /// Checks the configuration against the data set and opens the matrix library.
    ///
    /// - Parameters:
    ///   - configuration: The run's; its kernel, if set, is the one that is opened.
    ///   - dataset: The run's samples.
    ///   - workers: Workers that the run starts with, from which the shards follow where nobody has set them.
    ///   - kernel: The kernel to open where the configuration names none.
    /// - Throws: What does not fit together, or that the kernel cannot be opened.
    package init(
        configuration: RunConfiguration, dataset: Dataset, workers: Int, kernel: MatrixKernel
    ) throws {
        var configuration = configuration
        configuration.shards = configuration.shards ?? max(1, workers)
        configuration.kernel = configuration.kernel ?? kernel
        try configuration.network.check(against: dataset.description)
        self.configuration = configuration
        self.dataset = dataset
        self.library = try MatrixLibrary.open(configuration.kernel ?? kernel)
        self.layout = try ParameterLayout(configuration.network)
        self.schedule = BatchSchedule(
            samples: dataset.samples(of: .training).count, batch: configuration.training.batch,
            shards: configuration.shards ?? 1)
    }

    /// What observers are told at the start.
    package func description(workers: Int) -> RunDescription {
        RunDescription(
            configuration: configuration, dataset: dataset.description, shards: schedule.shards, workers: workers,
            kernel: library.kernel.rawValue, parameterCount: layout.count, stepsPerEpoch: schedule.stepsPerEpoch)
    }

    /// Trains in this process alone.
    package func train(observers: [any RunObserver], shouldStop: @escaping () -> Bool) throws -> RunOutcome {
        let computation = try Computation(configuration: configuration, dataset: dataset, library: library)
        let source = LocalGradientSource(computation)
        return try train(
            with: source, parameters: try initialParameters(), observers: observers, shouldStop: shouldStop)
    }

    /// The weights before the first step, and room for those after it.
    ///
    /// - Parameter memory: Makes memory for one version, 0 or 1: this process's own, or shared with workers.
    /// - Returns: Version 0, and room for version 1.
    /// - Throws: `NetworkError` if there is no such network.
    func initialParameters(in memory: ((_ version: Int) -> FloatBuffer)? = nil) throws -> VersionedParameters {
        let initial = memory?(0) ?? FloatBuffer(count: layout.count)
        try initialize(configuration.network, seed: configuration.training.seed, into: initial)
        return VersionedParameters(initial: initial, other: memory?(1) ?? FloatBuffer(count: layout.count))
    }

    func train(
        with source: any GradientSource, parameters: VersionedParameters, observers: [any RunObserver],
        shouldStop: @escaping () -> Bool
    ) throws -> RunOutcome {
        let description = description(workers: source.workers)
        for observer in observers { try observer.runWillStart(description) }
        let trainer = Trainer(
            configuration: configuration, schedule: schedule, layout: layout, parameters: parameters,
            source: source, observers: observers, shouldStop: shouldStop)
        return try trainer.run()
    }
}

package import LockstepCompute
package import LockstepData
package import LockstepNetwork
package import LockstepNumerics
package import LockstepSharding
import LockstepSystem
package import LockstepTimeline
package import LockstepTraining

/// A run with everything resolved and loaded, ready for its first step.
package struct PreparedRun {
    /// With shards and kernel resolved.
    package let configuration: RunConfiguration
    package internal(set) var dataset: Dataset
    package let library: MatrixLibrary
    package let layout: ParameterLayout
    package let schedule: BatchSchedule
    /// The state that the run goes on from; nil for a new run.
    package var resumed: TrainingState?
    /// Whether the run directory is that of an earlier process, which may have left no state.
    package var isResumed = false
    /// The weights to start from; nil: drawn from the configuration's seed.
    private let startingWeights: FloatBuffer?

    /// Checks the configuration against the data set and opens the matrix library.
    ///
    /// - Parameters:
    ///   - configuration: The run's; its kernel, if set, is the one that is opened.
    ///   - dataset: The run's samples.
    ///   - workers: Workers that the run starts with, from which the shards follow where nobody has set them.
    ///   - kernel: The kernel to open where the configuration names none.
    ///   - startingWeights: The weights to start from, in the network's layout; nil: drawn from the seed.
    /// - Throws: What does not fit together, or that the kernel cannot be opened.
    package init(
        configuration: RunConfiguration, dataset: Dataset, workers: Int, kernel: MatrixKernel,
        startingWeights: FloatBuffer? = nil
    ) throws {
        var configuration = configuration
        configuration.shards = configuration.shards ?? max(1, workers)
        configuration.kernel = configuration.kernel ?? kernel
        try configuration.check(against: dataset.description)
        self.configuration = configuration
        self.dataset = dataset
        self.library = try MatrixLibrary.open(configuration.kernel ?? kernel)
        self.layout = try ParameterLayout(configuration.network)
        self.schedule = BatchSchedule(
            samples: dataset.indices(of: .training).count, batch: configuration.training.batch,
            shards: configuration.shards ?? 1)
        self.startingWeights = startingWeights
        precondition(startingWeights.map { $0.count == layout.count } ?? true, "weights of another network")
    }

    /// What observers are told at the start.
    package func description(workers: Int) -> RunDescription {
        var description = RunDescription(
            configuration: configuration, dataset: dataset.description, shards: schedule.shards, workers: workers,
            kernel: library.kernel.rawValue, parameterCount: layout.count, stepsPerEpoch: schedule.stepsPerEpoch)
        description.resumed = resumed?.progress ?? (isResumed ? TrainingProgress() : nil)
        return description
    }

    /// The arithmetic of this process.
    package func makeShardComputer() throws -> ShardComputer {
        try ShardComputer(configuration: configuration, dataset: dataset, library: library)
    }

    /// Trains in this process alone.
    package func train(
        observers: [any RunObserver], checkpoints: (any CheckpointStore)? = nil, timeline: Timeline? = nil,
        shouldStop: @escaping () -> Bool
    ) throws -> RunOutcome {
        let computer = try makeShardComputer()
        computer.timeline = timeline
        return try train(
            with: LocalGradientSource(computer, inPlace: true), parameters: try initialParameters(),
            observers: observers,
            checkpoints: checkpoints, timeline: timeline, shouldStop: shouldStop)
    }

    /// The weights before the first step, and room for those after it.
    ///
    /// - Parameter memory: Makes memory for one version, 0 (even) or 1 (odd), and where the run rounds them for one of the
    ///   rounded ones, 2 or 3: this process's own, or shared with workers.
    /// - Returns: The version of the run's first step, and room for the next.
    /// - Throws: `NetworkError` if there is no such network.
    func initialParameters(in memory: ((_ version: Int) -> FloatBuffer)? = nil) throws -> VersionedParameters {
        let version = resumed?.progress.step ?? 0
        let initial = memory?(Int(version & 1)) ?? FloatBuffer(count: layout.count)
        if let resumed {
            initial.pointer.update(from: resumed.parameters.pointer, count: layout.count)
        } else if let startingWeights {
            initial.pointer.update(from: startingWeights.pointer, count: layout.count)
        } else {
            try initialize(configuration.network, seed: configuration.training.seed, into: initial)
        }
        let other = memory?(1 - Int(version & 1)) ?? FloatBuffer(count: layout.count)
        guard configuration.communicationDataType == .bfloat16 else {
            return VersionedParameters(initial: initial, other: other, version: version)
        }
        let (even, odd) = (
            memory?(2) ?? FloatBuffer(count: layout.count), memory?(3) ?? FloatBuffer(count: layout.count)
        )
        let parameters = VersionedParameters(initial: initial, other: other, rounded: (even, odd), version: version)
        parameters.round(0..<layout.count, of: version)
        return parameters
    }

    func train(
        with source: any GradientSource, parameters: VersionedParameters, observers: [any RunObserver],
        checkpoints: (any CheckpointStore)?, threadPool: ThreadPool? = nil, timeline: Timeline? = nil,
        shouldStop: @escaping () -> Bool
    ) throws -> RunOutcome {
        let description = description(workers: source.membersPresent)
        for observer in observers { try observer.runWillStart(description) }
        let trainer = try Trainer(
            configuration: configuration, schedule: schedule, layout: layout, parameters: parameters,
            resumed: resumed, source: source,
            dependencies: Trainer.Dependencies(
                observers: observers, checkpoints: checkpoints, shouldStop: shouldStop,
                makeShardComputer: makeShardComputer, threadPool: threadPool, timeline: timeline))
        return try trainer.run()
    }
}

package import LockstepCompute
package import LockstepData
package import LockstepModel
package import LockstepNumerics
package import LockstepSharding
package import LockstepSystem
package import LockstepTimeline

/// A training run with everything resolved and loaded, ready for its first step.
package struct TrainingRun {
    /// The configuration, with shards and kernel resolved.
    package let configuration: RunConfiguration
    package var dataset: Dataset
    package let library: ComputeLibrary
    package let model: any Model
    package let schedule: BatchSchedule
    /// The state from which the run continues; nil for a new run.
    package var resumed: TrainingState?
    /// Whether an earlier process has made the run directory; it may have left no state there.
    package var isResumed = false
    /// The numeric fingerprint of this process, if it has been computed.
    package var fingerprint: NumericFingerprint?
    /// Loads the data set once more, to repair it in memory; nil if there is nowhere to load it from.
    package var reloadDataset: (() throws -> Dataset)?
    /// The initial weights; nil: random ones from the configuration's seed.
    private let startingWeights: FloatBuffer?

    /// Checks the configuration against the data set and opens the compute library.
    ///
    /// - Parameters:
    ///   - configuration: The run's configuration.
    ///   - dataset: The run's samples.
    ///   - workers: The number of workers at the start. It becomes the number of shards unless the configuration sets
    ///     that.
    ///   - kernel: The kernel to open if the configuration names none.
    ///   - startingWeights: The initial weights, in the model's layout; nil: random ones from the seed.
    /// - Throws: An error if configuration and data set do not fit together, or if the kernel cannot be opened.
    package init(
        configuration: RunConfiguration, dataset: Dataset, workers: Int, kernel: NumericKernel,
        startingWeights: FloatBuffer? = nil
    ) throws {
        var configuration = configuration
        configuration.shards = configuration.shards ?? max(1, workers)
        configuration.kernel = configuration.kernel ?? kernel
        try configuration.check(against: dataset.description)
        self.configuration = configuration
        self.dataset = dataset
        self.library = try ComputeLibrary.open(configuration.kernel ?? kernel)
        self.model = try configuration.makeModel()
        self.schedule = BatchSchedule(
            samples: dataset.indices(of: .training).count, batch: configuration.training.batch,
            shards: configuration.shards ?? 1)
        self.startingWeights = startingWeights
        precondition(startingWeights.map { $0.count == model.layout.count } ?? true, "weights of another network")
    }

    /// The places of the model's parameters.
    package var layout: ParameterLayout { model.layout }

    /// The description of the run that observers get at its start.
    package func description(workers: Int) -> RunDescription {
        var description = RunDescription(
            configuration: configuration, dataset: dataset.description, shards: schedule.shards, workers: workers,
            kernel: library.kernel.rawValue, parameterCount: layout.count, stepsPerEpoch: schedule.stepsPerEpoch)
        description.resumed = resumed?.progress ?? (isResumed ? TrainingProgress() : nil)
        return description
    }

    /// Makes a computer of shards for this process.
    package func makeShardComputer() throws -> ShardComputer {
        try ShardComputer(configuration: configuration, dataset: dataset, library: library)
    }

    /// Trains in this process, without workers.
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

    /// Makes the weights of the first step, and memory for the next version.
    ///
    /// - Parameter memory: Returns the memory for a version: 0 (even) or 1 (odd), and if the run rounds weights also 2 or 3
    ///   (their rounded forms). Nil: this process allocates memory that is not shared with workers.
    /// - Returns: The version of the run's first step, and memory for the next version.
    /// - Throws: `NetworkError` if the network cannot be initialized.
    package func initialParameters(in memory: ((_ version: Int) -> FloatBuffer)? = nil) throws -> VersionedParameters {
        let version = resumed?.progress.step ?? 0
        let initial = memory?(Int(version & 1)) ?? FloatBuffer(count: layout.count)
        if let resumed {
            initial.pointer.update(from: resumed.parameters.pointer, count: layout.count)
        } else {
            try writeInitialWeights(to: initial)
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

    /// Writes the weights before the first step of a new run.
    private func writeInitialWeights(to weights: FloatBuffer) throws {
        if let startingWeights {
            weights.pointer.update(from: startingWeights.pointer, count: layout.count)
        } else {
            model.initialize(seed: configuration.training.seed, into: weights)
        }
    }

    /// Trains with the gradients of a source.
    package func train(
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
                observers: observers, checkpoints: checkpoints,
                shouldStop: shouldStop,
                makeShardComputer: makeShardComputer, initialWeights: writeInitialWeights,
                dataCheck: DatasetCheck(dataset, load: reloadDataset), threadPool: threadPool,
                timeline: timeline))
        return try trainer.run()
    }
}

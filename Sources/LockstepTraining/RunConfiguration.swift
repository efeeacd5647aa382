package import LockstepCompute
package import LockstepData
package import LockstepNetwork

/// Everything that a run's weights depend on, and how the run is watched.
///
/// Plain values: read from YAML by Artifacts, sent to workers as JSON.
package struct RunConfiguration: Codable, Hashable, Sendable {
    package var name: String
    package var data: DataSource
    package var network: Architecture
    package var cost: Cost
    package var training: TrainingOptions
    package var optimizer: OptimizerConfiguration
    package var schedule: ScheduleConfiguration
    package var regularization: RegularizationOptions
    package var augmentation: AugmentationOptions
    package var evaluation: EvaluationOptions
    package var checkpoint: CheckpointOptions
    package var timeouts: TimeoutOptions
    /// As what weights and gradients travel.
    package var communicationDataType: CommunicationDataType
    /// Parts that every mini-batch is cut into; absent until the run resolves it.
    package var shards: Int?
    /// The matrix library's kernel; absent until the run resolves it.
    package var kernel: MatrixKernel?

    package init(
        name: String,
        data: DataSource,
        network: Architecture,
        cost: Cost = .quadratic,
        training: TrainingOptions,
        optimizer: OptimizerConfiguration,
        schedule: ScheduleConfiguration = .constant,
        regularization: RegularizationOptions = RegularizationOptions(),
        augmentation: AugmentationOptions = AugmentationOptions(),
        evaluation: EvaluationOptions = EvaluationOptions(),
        checkpoint: CheckpointOptions = CheckpointOptions(),
        timeouts: TimeoutOptions = TimeoutOptions(),
        communicationDataType: CommunicationDataType = .float32,
        shards: Int? = nil,
        kernel: MatrixKernel? = nil
    ) {
        self.name = name
        self.data = data
        self.network = network
        self.cost = cost
        self.training = training
        self.optimizer = optimizer
        self.schedule = schedule
        self.regularization = regularization
        self.augmentation = augmentation
        self.evaluation = evaluation
        self.checkpoint = checkpoint
        self.timeouts = timeouts
        self.communicationDataType = communicationDataType
        self.shards = shards
        self.kernel = kernel
    }
}

extension RunConfiguration {
    /// Whether a step's weights depend on the number of epochs, because a schedule is stretched over all of them.
    package var isScheduleSpanningRun: Bool { schedule.spansRun }
}

/// How long and in which portions a run trains.
package struct TrainingOptions: Codable, Hashable, Sendable {
    /// Passes over the training split; 0 writes the initial model and ends.
    package var epochs: Int
    /// Samples in a mini-batch; the last one of an epoch may be shorter.
    package var batch: Int
    /// The key of every random number of the run.
    package var seed: UInt64

    package init(epochs: Int, batch: Int, seed: UInt64 = 1) {
        self.epochs = epochs
        self.batch = batch
        self.seed = seed
    }
}

/// When the network is evaluated.
package struct EvaluationOptions: Codable, Hashable, Sendable {
    /// Epochs between evaluations; 0: never.
    package var every: Int

    package init(every: Int = 1) {
        self.every = every
    }
}

/// When a state is kept from which the run can be resumed.
package struct CheckpointOptions: Codable, Hashable, Sendable {
    /// Seconds between checkpoints; 0: only at the end, and when a signal asks for one.
    package var every: Double

    package init(every: Double = 30) {
        self.every = every
    }
}

/// How long a coordinator waits for workers, in seconds.
package struct TimeoutOptions: Codable, Hashable, Sendable {
    /// For the first workers to join.
    package var start: Double
    /// For a worker to come back once the last one has gone.
    package var rejoin: Double

    package init(start: Double = 60, rejoin: Double = 60) {
        self.start = start
        self.rejoin = rejoin
    }
}

package import LockstepCompute
package import LockstepData
package import LockstepModel
package import LockstepNetwork

/// Everything that a run's weights depend on, and how the run is watched.
///
/// Plain values: read from YAML by Artifacts, sent to workers as JSON. The table ``keys`` has a row for each key.
package struct RunConfiguration: Codable, Hashable, Sendable {
    package var name: String
    package var data: DataSource
    package var network: Architecture
    /// A model that the program brings itself, in place of the layers of `network`, which then has its inputs and outputs as its
    /// sizes; nil: the network is the model.
    package var model: ProgramModel?
    package var cost: Cost
    /// What the outputs should be for a class; nil: 1 at its own output and 0 elsewhere.
    package var targets: TargetEncoding?
    package var training: TrainingOptions
    package var optimizer: OptimizerConfiguration
    package var schedule: ScheduleConfiguration
    package var regularization: RegularizationOptions
    package var augmentation: AugmentationOptions
    package var evaluation: EvaluationOptions
    package var checkpoint: CheckpointOptions
    package var timeouts: TimeoutOptions
    /// The element type in which weights and gradients are sent.
    package var communicationDataType: CommunicationDataType
    /// Parts that every mini-batch is cut into; absent until the run resolves it.
    package var shards: Int?
    /// The numeric kernel; absent until the run resolves it.
    package var kernel: NumericKernel?

    package init(
        name: String,
        data: DataSource,
        network: Architecture,
        model: ProgramModel? = nil,
        cost: Cost = .quadratic,
        targets: TargetEncoding? = nil,
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
        kernel: NumericKernel? = nil
    ) {
        self.name = name
        self.data = data
        self.network = network
        self.model = model
        self.cost = cost
        self.targets = targets
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
    /// What the run minimizes.
    package var objective: Objective {
        Objective(
            cost: cost, targets: targets, labelSmoothing: regularization.labelSmoothing,
            inputDropout: regularization.inputDropout,
            hiddenDropout: regularization.dropout)
    }

    /// What the run trains.
    ///
    /// - Throws: `NetworkError` if there is no such network, or no such model in this program.
    package func makeModel() throws(NetworkError) -> any Model {
        guard let model else { return try NetworkModel(network, objective: objective) }
        do throws(ProgramModelError) {
            return try model.make()
        } catch {
            throw .programModel(error.description)
        }
    }

    /// Whether a step's weights depend on the number of epochs, because a schedule is stretched over all of them.
    package var isScheduleSpanningRun: Bool { schedule.spansRun }

    /// Whether a step's weights depend on the evaluations before it, because a schedule follows them.
    package var isScheduleFollowingValidation: Bool { schedule.followsValidation }
}

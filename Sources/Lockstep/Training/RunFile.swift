import LockstepArtifacts
import LockstepData
import LockstepNetwork
import LockstepTraining

/// A configuration file, such as `config/mnist-30.yaml`: data, network and training of a run.
///
/// ```swift
/// let run = try RunFile("config/mnist-30.yaml", setting: ["training.epochs=5"])
/// var network = try run.network()
/// try await network.fit(try run.dataset(), run.configuration, on: .workers(4))
/// ```
public struct RunFile: Sendable {
    private let run: RunConfiguration

    /// How to train.
    public let configuration: TrainingConfiguration

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - path: The file. Relative paths in it start at the working directory.
    ///   - assignments: `key=value` each, as the option `--set` takes them; they win over the file.
    /// - Throws: ``LockstepError`` of the kind `configuration` with the file, the line and the fault.
    public init(_ path: String, setting assignments: [String] = []) throws(LockstepError) {
        run = try withPublicErrors { try ConfigurationFile.load(path: path, overrides: assignments) }
        configuration = TrainingConfiguration(run)
    }

    /// Reads the run's data set.
    ///
    /// - Throws: ``LockstepError`` of the kind `data`.
    public func dataset() throws(LockstepError) -> Dataset { Dataset(try Dataset.load(run.data)) }

    /// Makes the run's network, with the weights that its seed gives.
    ///
    /// - Throws: ``LockstepError`` of the kind `configuration` if there is no such network.
    public func network() throws(LockstepError) -> Network {
        try Network(run.network, Objective(cost: run.cost, targets: run.targets), seed: run.training.seed)
    }
}

extension TrainingConfiguration {
    /// The part of a run's configuration that is neither its network nor its data.
    init(_ run: RunConfiguration) {
        self.init(
            epochs: run.training.epochs, batch: run.training.batch, optimizer: Optimizer(inner: run.optimizer),
            schedule: Schedule(inner: run.schedule), regularization: Regularization(run.regularization),
            augmentation: Augmentation(run.augmentation), seed: run.training.seed, shards: run.shards)
        name = run.name
        earlyStoppingPatience = run.training.earlyStoppingPlateau
        gradientNorm = run.training.clipNorm
        gradientValue = run.training.clipValue
        evaluationInterval = run.evaluation.every
        checkpointInterval = run.checkpoint.every
        sendsBFloat16 = run.communicationDataType == .bfloat16
    }
}

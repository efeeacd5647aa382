import LockstepArtifacts
import LockstepCompute
import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepTraining

/// A model of your own with its parameters: what ``Network`` is for networks of layers.
///
/// A value: a copy keeps its parameters when the original is trained on.
public struct Learner<Model: TrainableModel>: Sendable {
    /// The model.
    public let model: Model
    private let adapter: ModelAdapter<Model>
    /// In the model's layout. Never written to: training replaces it.
    private var parameters: FloatBuffer
    private var metadata: ModelMetadata

    /// Makes a learner with the initial parameters of a seed.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - seed: The key of the random numbers.
    /// - Throws: ``LockstepError`` of the kind `model` if the model says impossible things about itself.
    public init(_ model: Model, seed: UInt64 = 1) throws(LockstepError) {
        self.model = model
        adapter = try ModelAdapter(model)
        ModelAdapter<Model>.register()
        parameters = FloatBuffer(count: adapter.layout.count)
        adapter.initialize(seed: seed, into: parameters)
        metadata = ModelMetadata(inputScale: nil, labels: [], seed: seed, programVersion: programVersion)
    }

    /// Reads a file that ``save(to:)`` or a recorded training has written: the model with its settings, and its parameters.
    ///
    /// - Parameter path: A safetensors file.
    /// - Throws: ``LockstepError`` of the kind `file` if it is missing, damaged or of another model.
    public init(contentsOf path: String) throws(LockstepError) {
        ModelAdapter<Model>.register()
        let trained = try withPublicErrors { try ModelFile.load(path, ofModel: Model.modelName) }
        guard let adapter = trained.model as? ModelAdapter<Model> else {
            throw LockstepError(
                .model, "\(path): two models of this program are called '\(Model.modelName)'; rename one")
        }
        self.adapter = adapter
        model = adapter.base
        parameters = trained.parameters
        metadata = trained.metadata
    }

    /// Writes the model's settings and its parameters to a safetensors file, with the tensors' names.
    ///
    /// - Parameter path: The file; an existing file is replaced atomically.
    /// - Throws: ``LockstepError`` of the kind `file` if it cannot be written.
    public func save(to path: String) throws(LockstepError) {
        try withPublicErrors {
            try ModelFile.save(
                to: path, adapter.reference, parameters: UnsafeBufferPointer(parameters.buffer), metadata: metadata)
        }
    }

    /// All parameters, in the order of ``TrainableModel/parameters``.
    public var parameterValues: [Float] { parameters.values }

    /// The name of each score: of the classes that the model was trained on, else the score's number.
    public var classNames: [String] {
        metadata.labels.isEmpty ? (0..<adapter.outputs).map(String.init) : metadata.labels
    }
}

// MARK: - Training

extension Learner {
    /// Trains; everything is as ``Network/fit(_:_:on:recording:resuming:keeping:progress:)`` describes it.
    ///
    /// The workers are this program: call ``workerMain(_:)`` at its beginning.
    ///
    /// - Parameters:
    ///   - dataset: The samples.
    ///   - configuration: How to train. Dropout and label smoothing are a network's; a model has its own.
    ///   - placement: Which processes compute.
    ///   - folder: A folder for checkpoints, models and reports; nil: no file is written.
    ///   - resuming: Whether it continues an earlier training of that folder.
    ///   - kept: Which parameters the learner has afterwards.
    ///   - progress: Called with each event, in order.
    /// - Returns: How it ended.
    /// - Throws: ``LockstepError``, of the kind `model` if the model's code threw an error; or `CancellationError`.
    @discardableResult
    public mutating func fit(
        _ dataset: Dataset, _ configuration: TrainingConfiguration, on placement: WorkerPlacement = .thisProcess,
        recording folder: String? = nil, resuming: Resuming = .never, keeping kept: KeptWeights = .final,
        progress: (@Sendable (TrainingEvent) -> Void)? = nil
    ) async throws -> TrainingResult {
        let training = try training(
            on: dataset, configuration, placement: placement, recording: folder, resuming: resuming)
        let result = try await training.finished(reporting: progress)
        try use(result, of: dataset, keeping: kept)
        return result
    }

    /// Trains a copy of this learner, which a global variable, such as one of `main.swift`, can be.
    ///
    /// - Parameters:
    ///   - dataset: The samples.
    ///   - configuration: How to train.
    ///   - placement: Which processes compute.
    ///   - folder: A folder for checkpoints, models and reports; nil: no file is written.
    ///   - resuming: Whether it continues an earlier training of that folder.
    ///   - kept: Which parameters the trained learner has.
    ///   - progress: Called with each event, in order.
    /// - Returns: The trained learner, and how the training ended.
    /// - Throws: ``LockstepError``, or `CancellationError`.
    public func fitted(
        _ dataset: Dataset, _ configuration: TrainingConfiguration, on placement: WorkerPlacement = .thisProcess,
        recording folder: String? = nil, resuming: Resuming = .never, keeping kept: KeptWeights = .final,
        progress: (@Sendable (TrainingEvent) -> Void)? = nil
    ) async throws -> (learner: Learner, result: TrainingResult) {
        var trained = self
        let result = try await trained.fit(
            dataset, configuration, on: placement, recording: folder, resuming: resuming, keeping: kept,
            progress: progress)
        return (trained, result)
    }

    /// Starts a training; ``use(_:of:keeping:)`` takes its parameters over.
    ///
    /// - Parameters:
    ///   - dataset: The samples.
    ///   - configuration: How to train.
    ///   - placement: Which processes compute.
    ///   - folder: A folder for checkpoints, models and reports; nil: no file is written.
    ///   - resuming: Whether it continues an earlier training of that folder.
    /// - Returns: The training, which has begun.
    /// - Throws: ``LockstepError`` if no thread can be started.
    public func training(
        on dataset: Dataset, _ configuration: TrainingConfiguration, placement: WorkerPlacement = .thisProcess,
        recording folder: String? = nil, resuming: Resuming = .never
    ) throws(LockstepError) -> Training {
        var run = RunConfiguration(
            name: configuration.name, data: .named(dataset.name),
            network: adapter.architecture(for: dataset.storage.description), model: adapter.reference,
            training: TrainingOptions(epochs: 0, batch: 1), optimizer: .sgd(learningRate: 1))
        configuration.apply(to: &run, seed: metadata.seed ?? 1)
        return try Training(
            TrainingPlan(
                configuration: run, dataset: dataset.storage, startingWeights: parameters, placement: placement,
                folder: folder, resuming: resuming))
    }

    /// Uses the parameters of a training that this learner, or an equal one, has started.
    ///
    /// - Parameters:
    ///   - result: How the training ended.
    ///   - dataset: The data set of the training.
    ///   - kept: Which of its parameters.
    /// - Throws: ``LockstepError`` of the kind `configuration` if they belong to another model.
    public mutating func use(
        _ result: TrainingResult, of dataset: Dataset, keeping kept: KeptWeights = .final
    ) throws(LockstepError) {
        let weights = result.weights(kept)
        guard weights.count == adapter.layout.count else {
            throw LockstepError(
                .configuration, "the training has \(weights.count) parameters, the model \(adapter.layout.count)")
        }
        parameters = weights
        metadata = ModelMetadata(
            dataset: dataset.storage.description, outputs: adapter.outputs, seed: metadata.seed ?? 1,
            programVersion: programVersion)
    }
}

// MARK: - Inference

extension Learner {
    /// The scores of samples.
    ///
    /// - Parameter inputs: [samples][inputCount], scaled as the training samples were.
    /// - Returns: [samples][outputCount].
    /// - Throws: ``LockstepError`` of the kind `configuration` if a sample has another size, of the kind `model` if the model's
    ///   code throws an error.
    public func outputs(for inputs: [[Float]]) throws(LockstepError) -> [[Float]] {
        try withPublicErrors {
            try BatchOutputs.compute(adapter, parameters, inputs, library: try ComputeLibrary.inUse())
        }
    }

    /// Classifies samples.
    ///
    /// - Parameter inputs: [samples][inputCount], scaled as the training samples were.
    /// - Returns: The class of each sample's largest score, and that score.
    /// - Throws: ``LockstepError``, as ``outputs(for:)`` does.
    public func predict(_ inputs: [[Float]]) throws(LockstepError) -> [Network.Prediction] {
        try outputs(for: inputs).map { Network.Prediction(outputs: $0) }
    }

    /// Scores the model on a split of a data set.
    ///
    /// - Parameters:
    ///   - dataset: Its samples must fit the model.
    ///   - split: The part of the data set.
    /// - Returns: The count and the mean loss; both 0 for a split without samples.
    /// - Throws: ``LockstepError`` of the kind `configuration` if the data set does not fit the model, of the kind `model` if the
    ///   model's code throws an error.
    public func evaluate(on dataset: Dataset, split: Dataset.Split = .test) throws(LockstepError) -> Evaluation {
        try withPublicErrors {
            let description = dataset.storage.description
            try adapter.architecture(for: description).check(against: description)
            let mode = FloatingPointMode.flushSubnormals()
            defer { mode.restore() }
            let computer = try adapter.makeComputer(
                seed: metadata.seed ?? 1, library: try ComputeLibrary.inUse(), maximumRows: adapter.blockRows)
            let evaluator = Evaluator(model: adapter, computer: computer, dataset: dataset.storage)
            let score = evaluator.score(of: split.inner, weights: parameters.pointer)
            if let failure = computer.failure { throw failure }
            return Evaluation(score)
        }
    }
}

package import LockstepArtifacts
import LockstepCompute
import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepSharding
import LockstepTraining

/// A feed-forward network of sigmoid neurons: its layers' sizes, weights and biases.
///
/// A value: a copy keeps its weights when the original is trained on.
///
/// ```swift
/// let digits = try Dataset.mnist()
/// var network = try Network([784, 30, 10])
/// try network.train(on: digits, epochs: 30, batch: 10, learningRate: 3.0) { print($0) }
/// print(try network.evaluate(on: digits))
/// ```
public struct Network: Sendable {
    let model: NetworkModel
    /// In the model's layout. Never written to: training replaces it.
    var parameters: FloatBuffer
    var metadata: ModelMetadata

    var architecture: Architecture { model.architecture }
    var cost: Cost { model.objective.cost }
    var targets: TargetEncoding? { model.objective.targets }
    var layout: ParameterLayout { model.layout }

    /// Makes a network with weights and biases drawn from a Gaussian with mean 0 and variance 1.
    ///
    /// - Parameters:
    ///   - sizes: Neurons in each layer, the input layer first: `[784, 30, 10]`.
    ///   - seed: The key of the random numbers; equal seeds give equal networks.
    /// - Throws: ``LockstepError`` of the kind `configuration` if no network can have these sizes.
    public init(_ sizes: [Int], seed: UInt64 = 1) throws(LockstepError) {
        try self.init(Architecture(sizes: sizes), Objective(cost: .quadratic), seed: seed)
    }

    init(_ architecture: Architecture, _ objective: Objective, seed: UInt64) throws(LockstepError) {
        model = try withPublicErrors { try NetworkModel(architecture, objective: objective) }
        parameters = FloatBuffer(count: model.layout.count)
        model.initialize(seed: seed, into: parameters)
        self.metadata = ModelMetadata(inputScale: nil, labels: [], seed: seed, programVersion: programVersion)
    }

    /// Reads a model file, such as a run's `best.safetensors`.
    ///
    /// - Parameter path: A safetensors file that Lockstep wrote, or another program with the same tensors and metadata.
    /// - Throws: ``LockstepError`` of the kind `file` if it is missing, damaged or something else.
    public init(contentsOf path: String) throws(LockstepError) {
        self.init(try withPublicErrors { try ModelFile.load(path) })
    }

    /// The network of a model file.
    package init(_ trained: TrainedModel) {
        model = trained.network
        parameters = trained.parameters
        metadata = trained.metadata
    }

    /// Writes the network to a safetensors file, which Lockstep, PyTorch and others read.
    ///
    /// - Parameter path: The file; an existing file is replaced atomically.
    /// - Throws: ``LockstepError`` of the kind `file` if it cannot be written.
    public func save(to path: String) throws(LockstepError) {
        try withPublicErrors {
            try ModelFile.save(
                to: path, architecture: architecture, cost: cost, targets: targets,
                parameters: UnsafeBufferPointer(parameters.buffer),
                metadata: metadata)
        }
    }

    /// Neurons in each layer, the input layer first. Of a network with other layers than dense ones: the values of a sample,
    /// and the neurons or filters of each layer that learns.
    public var sizes: [Int] {
        [model.inputs] + layout.segments.map { $0.tensors[0].shape[0] }
    }

    /// The name of each output, such as `Sneaker`, [sizes.last]: of a digit, or where the model does not say, its number.
    public var classNames: [String] {
        metadata.labels.isEmpty ? (0..<model.answers).map(String.init) : metadata.labels
    }

    /// A layer's weights, [outputs][inputs]: row j holds neuron j's. Layer 0 is the first that learns. A filter's weights
    /// are a row of [channels, rows, columns].
    ///
    /// - Throws: ``LockstepError`` of the kind `configuration` if there is no such layer.
    public func weights(ofLayer layer: Int) throws(LockstepError) -> [[Float]] {
        let tensor = try tensor(0, ofLayer: layer)
        let inputs = tensor.range.count / max(1, tensor.shape[0])
        return (0..<tensor.shape[0]).map { output in
            let row = tensor.range.lowerBound + output * inputs
            return Array(parameters.buffer[row..<row + inputs])
        }
    }

    /// A layer's biases, [outputs]. Layer 0 is the first that learns.
    ///
    /// - Throws: ``LockstepError`` of the kind `configuration` if there is no such layer.
    public func biases(ofLayer layer: Int) throws(LockstepError) -> [Float] {
        Array(parameters.buffer[try tensor(1, ofLayer: layer).range])
    }

    private func tensor(_ index: Int, ofLayer layer: Int) throws(LockstepError) -> ParameterLayout.Tensor {
        let segments = layout.segments
        guard segments.indices.contains(layer), segments[layer].tensors.indices.contains(index) else {
            throw LockstepError(
                .configuration, "there is no layer \(layer): layers 0 to \(segments.count - 1) learn something")
        }
        return segments[layer].tensors[index]
    }
}

// MARK: - Inference

extension Network {
    /// The class that a network gives to a sample.
    public struct Prediction: Hashable, Sendable {
        /// The class of the largest output, the lowest on a tie.
        public let label: Int
        /// That output's activation, from 0 to 1.
        public let confidence: Float

        /// The class of the largest of these outputs, at least one; with other targets than one-hot ones, the answer that they
        /// give together.
        init(outputs: [Float], targets: TargetEncoding? = nil) {
            if let targets {
                label = outputs.withUnsafeBufferPointer { targets.answer(of: $0) }
                confidence = TargetEncoding.confidence(of: outputs)
                return
            }
            var best = 0
            for index in outputs.indices where outputs[index] > outputs[best] { best = index }
            label = best
            confidence = outputs[best]
        }
    }

    /// Runs one sample through the network: a' = f(w·a + b), layer by layer.
    ///
    /// - Parameter input: [sizes.first], scaled as the training samples were: pixels from 0 to 1 for MNIST.
    /// - Returns: The activations of the last layer, [sizes.last].
    /// - Throws: ``LockstepError`` of the kind `configuration` if the input has another size, of the kind `kernel` if
    ///   there is no compute library.
    public func outputs(for input: [Float]) throws(LockstepError) -> [Float] {
        try outputs(for: [input])[0]
    }

    /// Runs many samples through the network, in blocks on one workspace.
    ///
    /// The last bits of an output may depend on the number of samples, because a matrix product rounds by its size.
    ///
    /// - Parameter inputs: [samples][sizes.first], scaled as the training samples were.
    /// - Returns: [samples][sizes.last].
    /// - Throws: ``LockstepError``, as with a single sample.
    public func outputs(for inputs: [[Float]]) throws(LockstepError) -> [[Float]] {
        try withPublicErrors {
            try BatchOutputs.compute(model, parameters, inputs, library: try ComputeLibrary.inUse())
        }
    }

    /// Classifies one sample.
    ///
    /// - Parameter input: [sizes.first], scaled as the training samples were.
    /// - Returns: The class of the largest output.
    /// - Throws: ``LockstepError``, as ``outputs(for:)->[Float]`` does.
    public func predict(_ input: [Float]) throws(LockstepError) -> Prediction {
        Prediction(outputs: try outputs(for: input), targets: targets)
    }

    /// Classifies many samples.
    ///
    /// - Parameter inputs: [samples][sizes.first], scaled as the training samples were.
    /// - Returns: The class of each sample's largest output.
    /// - Throws: ``LockstepError``, as ``outputs(for:)->[Float]`` does.
    public func predict(_ inputs: [[Float]]) throws(LockstepError) -> [Prediction] {
        try outputs(for: inputs).map { Prediction(outputs: $0, targets: targets) }
    }

    /// Counts how many samples of a split the network classifies correctly.
    ///
    /// - Parameters:
    ///   - dataset: Its samples must fit the network's input and output layers.
    ///   - split: The part of the data set.
    /// - Returns: The count and the mean cost; both 0 for a split without samples.
    /// - Throws: ``LockstepError`` of the kind `configuration` if the data set does not fit the network, of the kind
    ///   `kernel` if there is no compute library.
    public func evaluate(on dataset: Dataset, split: Dataset.Split = .test) throws(LockstepError) -> Evaluation {
        try withPublicErrors {
            try architecture.check(against: dataset.storage.description, targets: targets)
            let score = try Evaluator(model, library: try ComputeLibrary.inUse(), dataset: dataset.storage)
                .score(of: split.inner, weights: parameters.pointer)
            return Evaluation(score)
        }
    }
}

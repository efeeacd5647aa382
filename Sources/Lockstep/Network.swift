import LockstepArtifacts
import LockstepCompute
import LockstepData
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
    var architecture: Architecture
    var cost: Cost
    /// In the layout of ``LockstepNetwork/ParameterLayout``. Never written to: training replaces it.
    var parameters: FloatBuffer
    var metadata: ModelMetadata
    let layout: ParameterLayout

    /// Makes a network with weights and biases drawn from a Gaussian with mean 0 and variance 1.
    ///
    /// - Parameters:
    ///   - sizes: Neurons in each layer, the input layer first: `[784, 30, 10]`.
    ///   - seed: The key of the random numbers; equal seeds give equal networks.
    /// - Throws: ``LockstepError`` of the kind `configuration` if no network can have these sizes.
    public init(_ sizes: [Int], seed: UInt64 = 1) throws(LockstepError) {
        let architecture = Architecture(sizes: sizes)
        let (layout, parameters) = try withPublicErrors {
            let layout = try ParameterLayout(architecture)
            let parameters = FloatBuffer(count: layout.count)
            try initialize(architecture, seed: seed, into: parameters)
            return (layout, parameters)
        }
        self.architecture = architecture
        self.cost = .quadratic
        self.layout = layout
        self.parameters = parameters
        self.metadata = ModelMetadata(inputScale: nil, labels: [], seed: seed, programVersion: programVersion)
    }

    /// Reads a model file, such as a run's `best.safetensors`.
    ///
    /// - Parameter path: A safetensors file that Lockstep wrote, or another program with the same tensors and metadata.
    /// - Throws: ``LockstepError`` of the kind `file` if it is missing, damaged or something else.
    public init(contentsOf path: String) throws(LockstepError) {
        let (model, layout) = try withPublicErrors {
            let model = try ModelFile.load(path)
            return (model, try ParameterLayout(model.architecture))
        }
        self.architecture = model.architecture
        self.cost = model.cost
        self.layout = layout
        self.parameters = model.parameters
        self.metadata = model.metadata
    }

    /// Writes the network to a safetensors file, which Lockstep, PyTorch and others read.
    ///
    /// - Parameter path: The file; an existing file is replaced atomically.
    /// - Throws: ``LockstepError`` of the kind `file` if it cannot be written.
    public func save(to path: String) throws(LockstepError) {
        try withPublicErrors {
            try ModelFile.save(
                to: path, architecture: architecture, cost: cost, parameters: UnsafeBufferPointer(parameters.buffer),
                metadata: metadata)
        }
    }

    /// Neurons in each layer, the input layer first.
    public var sizes: [Int] { architecture.sizes }

    /// A layer's weights, [outputs][inputs]: row j holds neuron j's. Layer 0 is the first after the input layer.
    public func weights(ofLayer layer: Int) -> [[Float]] {
        let shape = layout.layers[layer]
        return (0..<shape.outputs).map { output in
            let row = shape.weights.lowerBound + output * shape.inputs
            return Array(parameters.buffer[row..<row + shape.inputs])
        }
    }

    /// A layer's biases, [outputs]. Layer 0 is the first after the input layer.
    public func biases(ofLayer layer: Int) -> [Float] {
        Array(parameters.buffer[layout.layers[layer].biases])
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
    }

    /// Runs one sample through the network: a' = f(w·a + b), layer by layer.
    ///
    /// - Parameter input: [sizes.first], scaled as the training samples were: pixels from 0 to 1 for MNIST.
    /// - Returns: The activations of the last layer, [sizes.last].
    /// - Throws: ``LockstepError`` of the kind `configuration` if the input has another size, of the kind `kernel` if
    ///   there is no compute library.
    public func outputs(for input: [Float]) throws(LockstepError) -> [Float] {
        guard input.count == layout.inputs else {
            throw LockstepError(
                .configuration, "the network takes \(layout.inputs) values, the input has \(input.count)")
        }
        return try withPublicErrors {
            let backpropagation = try Backpropagation(
                architecture, objective: Objective(cost: cost), library: try ComputeLibrary.inUse(), maximumRows: 1)
            backpropagation.inputs.update(from: input, count: input.count)
            let outputs = backpropagation.outputs(rows: 1, weights: parameters.pointer)
            return withExtendedLifetime(backpropagation) {
                Array(UnsafeBufferPointer(start: outputs, count: layout.outputs))
            }
        }
    }

    /// Classifies one sample.
    ///
    /// - Parameter input: [sizes.first], scaled as the training samples were.
    /// - Returns: The class of the largest output.
    /// - Throws: ``LockstepError``, as ``outputs(for:)`` does.
    public func predict(_ input: [Float]) throws(LockstepError) -> Prediction {
        let outputs = try outputs(for: input)
        var best = 0
        for index in outputs.indices where outputs[index] > outputs[best] { best = index }
        return Prediction(label: best, confidence: outputs[best])
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
            try architecture.check(against: dataset.storage.description)
            let backpropagation = try Backpropagation(
                architecture, objective: Objective(cost: cost), library: try ComputeLibrary.inUse(),
                maximumRows: BlockPartition.evaluationRows)
            let score = Evaluator(network: backpropagation, dataset: dataset.storage)
                .score(of: split.inner, weights: parameters.pointer)
            return Evaluation(score)
        }
    }
}

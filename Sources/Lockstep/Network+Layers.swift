import LockstepArtifacts
import LockstepNetwork
import LockstepNumerics
import LockstepTraining

extension Network {
    /// A layer of a network. Sizes of windows are in pixels, of rows and columns alike.
    public struct Layer: Hashable, Sendable {
        let inner: LockstepNetwork.Layer

        private init(_ layer: any LayerKind) { inner = LockstepNetwork.Layer(layer) }

        /// Each neuron reads all values: z = W a + b.
        public static func dense(_ neurons: Int) -> Layer { Layer(DenseLayer(neurons: neurons)) }

        /// Filters that move over an image.
        ///
        /// - Parameters:
        ///   - filters: The number of filters, the channels of the output.
        ///   - size: The side of a filter.
        ///   - stride: Pixels that it moves by.
        ///   - padding: What surrounds the image.
        /// - Returns: The layer.
        public static func convolution(
            filters: Int, size: Int, stride: Int = 1, padding: Padding = .none
        ) -> Layer {
            Layer(
                ConvolutionLayer(filters: filters, size: Extent(size), stride: Extent(stride), padding: padding.inner))
        }

        /// The largest value of each window; nil: windows do not overlap.
        public static func maxPooling(_ size: Int, stride: Int? = nil, padding: Padding = .none) -> Layer {
            Layer(MaxPoolLayer(size: Extent(size), stride: stride.map { Extent($0) }, padding: padding.inner))
        }

        /// The mean of each window; nil: windows do not overlap.
        public static func averagePooling(_ size: Int, stride: Int? = nil, padding: Padding = .none) -> Layer {
            Layer(AveragePoolLayer(size: Extent(size), stride: stride.map { Extent($0) }, padding: padding.inner))
        }

        /// The mean of each channel.
        public static let globalAveragePooling = Layer(GlobalAveragePoolLayer())
        /// A list of values of an image.
        public static let flatten = Layer(FlattenLayer())
        /// max(0, z).
        public static let relu = Layer(ActivationLayer(.relu))
        /// z above 0, and a hundredth of it below.
        public static let leakyReLU = Layer(ActivationLayer(.leakyReLU))
        /// 1 / (1 + e⁻ᶻ).
        public static let sigmoid = Layer(ActivationLayer(.sigmoid))
        /// The hyperbolic tangent.
        public static let tanh = Layer(ActivationLayer(.tanh))

        /// Leaves a part of the values out in training, others for each sample and epoch.
        public static func dropout(_ rate: Double) -> Layer { Layer(DropoutLayer(rate: rate)) }
        /// Normalises each sample over all its values.
        public static let layerNorm = Layer(LayerNormLayer())
        /// Normalises groups of channels of each sample.
        public static func groupNorm(_ groups: Int) -> Layer { Layer(GroupNormLayer(groups: groups)) }
    }

    /// What surrounds an image before a window moves over it.
    public enum Padding: Hashable, Sendable {
        /// Nothing: the output is smaller than the input.
        case none
        /// As many zeros as keep the size, with a stride of 1.
        case same
        /// So many zeros on each side.
        case pixels(Int)

        fileprivate var inner: LockstepNetwork.Padding {
            switch self {
            case .none: .none
            case .same: .same
            case .pixels(let count): .pixels(count)
            }
        }
    }

    /// What training minimizes.
    public enum CostFunction: Hashable, Sendable {
        /// 1/2 Σ (y - a)².
        case quadratic
        /// The negative log-likelihood of the classes.
        case crossEntropy
    }

    /// The function of the last layer's outputs.
    public enum Output: Hashable, Sendable {
        /// Each output by itself, from 0 to 1.
        case sigmoid
        /// Probabilities of the classes.
        case softmax
        /// Numbers, for data sets that have numbers to learn.
        case linear
    }

    /// The function of the hidden layers that sizes describe.
    public enum HiddenActivation: Hashable, Sendable {
        case sigmoid, tanh, relu, leakyReLU
    }

    /// The distribution of the initial weights.
    public enum InitialWeights: Hashable, Sendable {
        /// A Gaussian of variance 1, as the textbook begins.
        case standardNormal
        /// A Gaussian whose variance is 1 over the inputs.
        case scaledNormal
        /// Xavier's.
        case xavier
        /// He's, for ReLU.
        case he
    }

    /// Makes a network of layers.
    ///
    /// ```swift
    /// let network = try Network(
    ///     input: [1, 28, 28],
    ///     layers: [.convolution(filters: 16, size: 5), .relu, .maxPooling(2), .flatten, .dense(10)])
    /// ```
    ///
    /// - Parameters:
    ///   - input: The dimensions of a sample: `[784]`, or channels, rows and columns of an image.
    ///   - layers: The layers, the first one first; the output function follows the last one.
    ///   - cost: What training minimizes.
    ///   - output: The function of the last layer; nil: softmax with cross-entropy, else sigmoid.
    ///   - initialWeights: The distribution of the initial weights.
    ///   - seed: The key of the random numbers; equal seeds give equal networks.
    /// - Throws: ``LockstepError`` of the kind `configuration` that names the layer that cannot follow the others.
    public init(
        input: [Int], layers: [Layer], cost: CostFunction = .crossEntropy, output: Output? = nil,
        initialWeights: InitialWeights = .he, seed: UInt64 = 1
    ) throws(LockstepError) {
        try self.init(
            Architecture(
                input: input, layers: layers.map(\.inner.layer), output: output?.inner ?? cost.inner.customaryOutput,
                initializer: initialWeights.inner), cost: cost, seed: seed)
    }

    /// Makes a network of dense layers.
    ///
    /// - Parameters:
    ///   - sizes: Neurons in each layer, the input layer first.
    ///   - activation: The function of the hidden layers.
    ///   - cost: What training minimizes.
    ///   - output: The function of the last layer; nil: softmax with cross-entropy, else sigmoid.
    ///   - initialWeights: The distribution of the initial weights.
    ///   - seed: The key of the random numbers.
    /// - Throws: ``LockstepError`` of the kind `configuration` if no network can have these sizes.
    public init(
        _ sizes: [Int], activation: HiddenActivation, cost: CostFunction = .crossEntropy, output: Output? = nil,
        initialWeights: InitialWeights = .xavier, seed: UInt64 = 1
    ) throws(LockstepError) {
        try self.init(
            Architecture(
                sizes: sizes, activation: activation.inner, output: output?.inner ?? cost.inner.customaryOutput,
                initializer: initialWeights.inner), cost: cost, seed: seed)
    }

    private init(_ architecture: Architecture, cost: CostFunction, seed: UInt64) throws(LockstepError) {
        try self.init(architecture, Objective(cost: cost.inner), seed: seed)
    }
}

extension Network.CostFunction {
    fileprivate var inner: Cost { self == .quadratic ? .quadratic : .crossEntropy }
}

extension Network.Output {
    fileprivate var inner: OutputActivation {
        switch self {
        case .sigmoid: .sigmoid
        case .softmax: .softmax
        case .linear: .linear
        }
    }
}

extension Network.HiddenActivation {
    fileprivate var inner: Activation {
        switch self {
        case .sigmoid: .sigmoid
        case .tanh: .tanh
        case .relu: .relu
        case .leakyReLU: .leakyReLU
        }
    }
}

extension Network.InitialWeights {
    fileprivate var inner: Initializer {
        switch self {
        case .standardNormal: .standardNormal
        case .scaledNormal: .scaledNormal
        case .xavier: .xavier
        case .he: .he
        }
    }
}

/// The architecture of a feed-forward network: everything except its parameters.
package struct Architecture: Codable, Hashable, Sendable {
    /// Neurons in each layer, the input layer first: `[784, 30, 10]`.
    package var sizes: [Int]
    /// The activation function of the hidden layers.
    package var activation: Activation
    /// The output function of the last layer.
    package var output: OutputActivation
    /// The distribution of the initial parameters.
    package var initializer: Initializer

    package init(
        sizes: [Int], activation: Activation = .sigmoid, output: OutputActivation = .sigmoid,
        initializer: Initializer = .standardNormal
    ) {
        self.sizes = sizes
        self.activation = activation
        self.output = output
        self.initializer = initializer
    }
}

/// The output function of the last layer.
package enum OutputActivation: String, CaseIterable, Codable, Sendable {
    /// 1 / (1 + exp(-z)) of each weighted input.
    case sigmoid
    /// exp(z_j) / Σ exp(z_k): probabilities of the classes.
    case softmax
}

/// The distribution of the initial parameters.
package enum Initializer: String, CaseIterable, Codable, Sendable {
    /// Weights and biases Gaussian with mean 0 and variance 1.
    case standardNormal = "standard-normal"
    /// Weights Gaussian with variance 1/n, n being the inputs of a neuron; biases with variance 1. The textbook's
    /// chapter 3.
    case scaledNormal = "scaled-normal"
    /// Weights Gaussian with variance 2 / (inputs + outputs); biases 0. Glorot and Bengio, AISTATS 2010.
    case xavier
    /// Weights Gaussian with variance 2 / inputs; biases 0. He, Zhang, Ren and Sun, ICCV 2015.
    case he
}

/// The cost function C that training minimises.
package enum Cost: String, CaseIterable, Codable, Sendable {
    /// C = 1/2n Σ ‖y - a‖².
    case quadratic
    /// C = -1/n Σ Σ_j y_j log a_j for softmax, with (1 - y_j) log(1 - a_j) added for sigmoids.
    case crossEntropy = "cross-entropy"

    /// Whether the cost is defined for this output function.
    package func accepts(_ output: OutputActivation) -> Bool {
        self == .crossEntropy || output == .sigmoid
    }

    /// The default output function with this cost.
    package var customaryOutput: OutputActivation {
        self == .crossEntropy ? .softmax : .sigmoid
    }
}

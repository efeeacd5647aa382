/// The shape of a feed-forward network: everything but its parameters.
package struct Architecture: Codable, Hashable, Sendable {
    /// Neurons in each layer, the input layer first: `[784, 30, 10]`.
    package var sizes: [Int]
    package var activation: Activation
    package var initializer: Initializer

    package init(sizes: [Int], activation: Activation = .sigmoid, initializer: Initializer = .standardNormal) {
        self.sizes = sizes
        self.activation = activation
        self.initializer = initializer
    }
}

/// What a neuron does with its weighted input.
package enum Activation: String, CaseIterable, Codable, Sendable {
    /// 1 / (1 + exp(-z)).
    case sigmoid
}

/// How the parameters are drawn before the first step.
package enum Initializer: String, CaseIterable, Codable, Sendable {
    /// Weights and biases Gaussian with mean 0 and variance 1.
    case standardNormal = "standard-normal"
}

/// What training makes small.
package enum Cost: String, CaseIterable, Codable, Sendable {
    /// C = 1/2n Σ ‖y - a‖².
    case quadratic
}

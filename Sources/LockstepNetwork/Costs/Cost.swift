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

/// The output function of the last layer.
package enum OutputActivation: String, CaseIterable, Codable, Sendable {
    /// 1 / (1 + exp(-z)) of each weighted input.
    case sigmoid
    /// exp(z_j) / Σ exp(z_k): probabilities of the classes.
    case softmax
}

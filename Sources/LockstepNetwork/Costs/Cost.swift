import LockstepNumerics

/// The cost function C that training minimises.
package enum Cost: String, CaseIterable, Codable, Sendable {
    /// C = 1/2n Σ ‖y - a‖².
    case quadratic
    /// C = -1/n Σ Σ_j y_j log a_j for softmax, with (1 - y_j) log(1 - a_j) added for sigmoids.
    case crossEntropy = "cross-entropy"

    /// Whether the cost is defined for this output function.
    package func accepts(_ output: OutputActivation) -> Bool {
        self == .crossEntropy ? output != .linear : output != .softmax
    }

    /// The default output function with this cost.
    package var customaryOutput: OutputActivation {
        self == .crossEntropy ? .softmax : .sigmoid
    }

    /// The loss sum of samples of which only the output activations are known, such as the mean of several networks' outputs.
    ///
    /// Training and evaluation of one network compute the same sum from weighted inputs, with smaller rounding errors.
    ///
    /// - Parameters:
    ///   - outputs: a, from 0 to 1, [rows, classes], row-major.
    ///   - function: The output function that the cost is computed for.
    ///   - labels: The samples' classes, [rows].
    ///   - rows: Samples.
    ///   - classes: Outputs of a sample.
    /// - Returns: The sum of the rows' losses, in double, added row by row.
    package func lossSum(
        ofOutputs outputs: UnsafePointer<Float>, of function: OutputActivation, labels: UnsafePointer<UInt16>,
        rows: Int, classes: Int
    ) -> Double {
        switch (self, function) {
        case (_, .linear):
            preconditionFailure("numbers have no classes")
        case (.quadratic, _):
            quadraticCost(activations: outputs, labels: labels, rows: rows, outputs: classes)
        case (.crossEntropy, .softmax):
            softmaxCrossEntropy(activations: outputs, labels: labels, rows: rows, outputs: classes)
        case (.crossEntropy, .sigmoid):
            sigmoidCrossEntropy(activations: outputs, labels: labels, rows: rows, outputs: classes)
        }
    }
}

/// The output function of the last layer.
package enum OutputActivation: String, CaseIterable, Codable, Sendable {
    /// 1 / (1 + exp(-z)) of each weighted input.
    case sigmoid
    /// exp(z_j) / Σ exp(z_k): probabilities of the classes.
    case softmax
    /// z itself: the network learns a number and no classes.
    case linear
}

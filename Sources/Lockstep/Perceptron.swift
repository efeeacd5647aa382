import Foundation

/// A neuron with a threshold: its output is 1 if the weighted sum of its inputs exceeds the threshold, else 0.
public struct Perceptron: Hashable, Sendable {
    /// One weight per input.
    public var weights: [Double]
    /// The negative of the threshold.
    public var bias: Double

    /// Makes a perceptron with these weights, [inputs], and this bias.
    public init(weights: [Double], bias: Double) {
        self.weights = weights
        self.bias = bias
    }

    /// Outputs 0 if both inputs are 1, else 1: every other gate can be built from this one.
    public static let nand = Perceptron(weights: [-2, -2], bias: 3)

    /// z = w·x + b for the inputs x, [weights.count].
    public func weightedInput(_ inputs: [Double]) -> Double {
        precondition(inputs.count == weights.count, "\(inputs.count) inputs for \(weights.count) weights")
        return zip(weights, inputs).reduce(bias) { $0 + $1.0 * $1.1 }
    }

    /// The neuron's output for the inputs x, [weights.count]: f(w·x + b); for a step 1 if w·x + b > 0, else 0.
    public func output(_ inputs: [Double], activation: NeuronActivation = .step) -> Double {
        activation.apply(to: weightedInput(inputs))
    }

    /// The perceptron with weights and bias multiplied by `factor`.
    public func scaled(by factor: Double) -> Perceptron {
        Perceptron(weights: weights.map { $0 * factor }, bias: bias * factor)
    }
}

/// A neuron's function f of its weighted input z.
public enum NeuronActivation: Hashable, Sendable {
    /// 1 if z > 0, else 0: a perceptron.
    case step
    /// 1 / (1 + exp(-z)): a smooth step, exactly 1/2 at z = 0.
    case sigmoid

    /// f(z).
    public func apply(to z: Double) -> Double {
        switch self {
        case .step: z > 0 ? 1 : 0
        case .sigmoid: 1 / (1 + exp(-z))
        }
    }
}

import Foundation

/// A neuron with a threshold: it takes numbers, weighs them and answers with 0 or 1.
public struct Perceptron: Hashable, Sendable {
    /// One for each input.
    public var weights: [Double]
    /// The negative of the threshold.
    public var bias: Double

    /// A perceptron with these weights, [inputs], and this bias.
    public init(weights: [Double], bias: Double) {
        self.weights = weights
        self.bias = bias
    }

    /// Answers 0 where both inputs are 1, else 1: the gate from which every other can be built.
    public static let nand = Perceptron(weights: [-2, -2], bias: 3)

    /// z = w·x + b for the inputs x, [weights.count].
    public func weightedInput(_ inputs: [Double]) -> Double {
        precondition(inputs.count == weights.count, "\(inputs.count) inputs for \(weights.count) weights")
        return zip(weights, inputs).reduce(bias) { $0 + $1.0 * $1.1 }
    }

    /// What the neuron answers to its inputs, [weights.count]: 1 where w·x + b > 0, else 0, for a step.
    public func output(_ inputs: [Double], activation: NeuronActivation = .step) -> Double {
        activation.apply(to: weightedInput(inputs))
    }

    /// The perceptron with weights and bias multiplied by `factor`.
    public func scaled(by factor: Double) -> Perceptron {
        Perceptron(weights: weights.map { $0 * factor }, bias: bias * factor)
    }
}

/// What a neuron makes of its weighted input z.
public enum NeuronActivation: Hashable, Sendable {
    /// 1 where z > 0, else 0: a perceptron.
    case step
    /// 1 / (1 + exp(-z)): a smooth step, exactly 1/2 at z = 0.
    case sigmoid

    /// The activation of the weighted input `z`.
    public func apply(to z: Double) -> Double {
        switch self {
        case .step: z > 0 ? 1 : 0
        case .sigmoid: 1 / (1 + exp(-z))
        }
    }
}

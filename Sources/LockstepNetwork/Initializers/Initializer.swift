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

extension Initializer {
    /// The standard deviation of weights with so many inputs and outputs of a neuron.
    ///
    /// A filter's inputs are the values that it reads at one place; its outputs, the places at which it reads a value,
    /// times the filters.
    func weightDeviation(inputs: Int, outputs: Int) -> Float {
        let (inputs, outputs) = (Double(inputs), Double(outputs))
        return switch self {
        case .standardNormal: 1
        case .scaledNormal: Float(1 / inputs.squareRoot())
        case .xavier: Float((2 / (inputs + outputs)).squareRoot())
        case .he: Float((2 / inputs).squareRoot())
        }
    }

    /// The standard deviation of biases.
    var biasDeviation: Float {
        switch self {
        case .standardNormal, .scaledNormal: 1
        case .xavier, .he: 0
        }
    }
}

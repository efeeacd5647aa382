package import LockstepNumerics

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

/// Draws a network's initial parameters.
///
/// Parameter i of the buffer is the standard normal number at (initialParameters, epoch 0, sample i, draw 0), times the
/// initializer's standard deviation.
///
/// - Parameters:
///   - architecture: The network.
///   - seed: The run's seed.
///   - parameters: Receives the parameters: at least ``ParameterLayout/count`` floats.
/// - Throws: ``NetworkError`` if the architecture is impossible.
package func initialize(
    _ architecture: Architecture, seed: UInt64, into parameters: FloatBuffer
) throws(NetworkError) {
    let layout = try ParameterLayout(architecture)
    precondition(parameters.count >= layout.count)
    let random = Philox(seed: seed)
    for layer in layout.layers {
        let deviation = architecture.initializer.deviations(of: layer)
        for (range, scale) in [(layer.weights, deviation.weights), (layer.biases, deviation.biases)] {
            for i in range {
                let position = RandomPosition(.initialParameters, sample: UInt32(i))
                parameters.pointer[i] = scale == 0 ? 0 : scale * random.standardNormal(at: position)
            }
        }
    }
}

extension Initializer {
    /// The standard deviations of a layer's parameters.
    fileprivate func deviations(of layer: ParameterLayout.Layer) -> (weights: Float, biases: Float) {
        let (inputs, outputs) = (Double(layer.inputs), Double(layer.outputs))
        return switch self {
        case .standardNormal: (1, 1)
        case .scaledNormal: (Float(1 / inputs.squareRoot()), 1)
        case .xavier: (Float((2 / (inputs + outputs)).squareRoot()), 0)
        case .he: (Float((2 / inputs).squareRoot()), 0)
        }
    }
}

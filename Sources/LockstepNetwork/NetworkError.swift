/// Why a network is impossible.
package enum NetworkError: Error, Equatable, Sendable, CustomStringConvertible {
    case tooFewLayers(Int)
    case tooManyLayers(Int)
    /// A layer has too few or too many neurons; `layer` is its index, the input layer is 0.
    case layerSize(Int, layer: Int)
    case tooManyParameters
    /// The cost function is not defined for this output function.
    case costOfOutput(Cost, OutputActivation)

    package var description: String {
        switch self {
        case .tooFewLayers(let count):
            "network sizes: \(count) given; a network has at least 2 layers, the input and the output: [784, 10]"
        case .tooManyLayers(let count):
            "network sizes: \(count) layers given; at most \(Architecture.maximumLayers) are allowed"
        case .layerSize(let size, let layer):
            "network sizes: layer \(layer) has size \(size); a layer has 1 to \(Architecture.maximumLayerSize) neurons"
        case .tooManyParameters:
            "network sizes: the weights and biases take more than \(Architecture.maximumParameterBytes) bytes; "
                + "use smaller layers"
        case .costOfOutput(let cost, let output):
            "the \(cost.rawValue) cost does not go with the output \(output.rawValue); "
                + "set network.output to \(cost.customaryOutput.rawValue) or cost to cross-entropy"
        }
    }
}

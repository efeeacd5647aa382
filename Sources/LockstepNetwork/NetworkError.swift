/// Why an architecture can't be built.
package enum NetworkError: Error, Equatable, Sendable, CustomStringConvertible {
    case tooFewLayers(Int)
    case tooManyLayers(Int)
    /// `layer` counts from the input layer, which is 0.
    case layerSize(Int, layer: Int)
    case tooManyParameters
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
            "the \(cost.rawValue) cost goes with another output than \(output.rawValue); "
                + "set network.output to \(cost.customaryOutput.rawValue) or cost to cross-entropy"
        }
    }
}

/// Why a network is impossible.
package enum NetworkError: Error, Equatable, Sendable, CustomStringConvertible {
    case tooFewLayers(Int)
    case tooManyLayers(Int)
    /// A layer has too few or too many neurons; `layer` is its index, the input layer is 0.
    case layerSize(Int, layer: Int)
    case tooManyParameters
    /// Both `sizes` and `layers` are given.
    case bothForms
    /// The dimensions of the input are impossible.
    case inputShape([Int])
    /// A layer cannot follow the layers before it: its index in `layers`, its name, and the reason with a remedy.
    case layer(Int, String, String)
    /// The last layer's output is an image.
    case imageOutput([Int])
    /// No layer has parameters.
    case noParameters
    /// The cost function is not defined for this output function.
    case costOfOutput(Cost, OutputActivation)
    /// Dropout of all layers is given for a network of `layers`.
    case dropoutOfLayers
    /// There is no such model of the program's own, with the reason.
    case programModel(String)

    package var description: String {
        switch self {
        case .tooFewLayers(let count):
            "network sizes: \(count) given; a network has at least 2 layers, the input and the output: [784, 10]"
        case .tooManyLayers(let count):
            "network: \(count) layers given, and at most \(Architecture.maximumLayers) are allowed; use fewer"
        case .layerSize(let size, let layer):
            "network sizes: layer \(layer) has size \(size); a layer has 1 to \(Architecture.maximumLayerSize) neurons"
        case .tooManyParameters:
            "network: the weights and biases take more than \(Architecture.maximumParameterBytes) bytes; "
                + "use smaller layers"
        case .bothForms:
            "network: both sizes and layers are given; keep one of them"
        case .inputShape(let dimensions):
            "network.input is \(dimensions); give the values of a sample, as in [784], or channels, rows and columns of "
                + "an image, as in [1, 28, 28], at most \(Architecture.maximumLayerSize) values"
        case .layer(let index, let name, let reason):
            "network.layers[\(index)]: \(name) \(reason)"
        case .imageOutput(let dimensions):
            "network.layers end with an image of shape \(dimensions); add 'flatten' and a dense layer, or "
                + "'global-average-pool'"
        case .noParameters:
            "network.layers: no layer learns anything; add a dense or a convolutional layer"
        case .costOfOutput(let cost, let output):
            "the \(cost.rawValue) cost does not go with the output \(output.rawValue); "
                + "set network.output to \(cost.customaryOutput.rawValue) or cost to cross-entropy"
        case .programModel(let reason): reason
        case .dropoutOfLayers:
            "regularization.dropout and input-dropout go with network.sizes; write { dropout: 0.5 } among network.layers"
        }
    }
}

import LockstepCompute

/// The architecture of a feed-forward network: everything except its parameters.
///
/// It has one of two forms: a list of `layers` that follow an `input`, or, for dense networks, the `sizes` of the layers with
/// one activation. Equal networks of both forms compute the same bits.
package struct Architecture: Codable, Hashable, Sendable {
    /// Neurons in each layer, the input layer first: `[784, 30, 10]`. Empty if `layers` are given.
    package var sizes: [Int]
    /// The activation function of the hidden layers that `sizes` describe.
    package var activation: Activation
    /// The dimensions of a sample: `[784]` or, for images, `[1, 28, 28]`: channels, rows, columns. Empty if `sizes` are given.
    package var input: [Int]
    /// The layers, the first one first. Empty if `sizes` are given.
    package var layers: [Layer]
    /// The output function of the last layer.
    package var output: OutputActivation
    /// The distribution of the initial parameters.
    package var initializer: Initializer

    package init(
        sizes: [Int], activation: Activation = .sigmoid, output: OutputActivation = .sigmoid,
        initializer: Initializer = .standardNormal
    ) {
        self.sizes = sizes
        self.activation = activation
        self.input = []
        self.layers = []
        self.output = output
        self.initializer = initializer
    }

    package init(
        input: [Int], layers: [any LayerKind], output: OutputActivation = .sigmoid,
        initializer: Initializer = .standardNormal
    ) {
        self.sizes = []
        self.activation = .sigmoid
        self.input = input
        self.layers = layers.map(Layer.init)
        self.output = output
        self.initializer = initializer
    }
}

extension Architecture {
    package static let maximumLayers = 256
    package static let maximumLayerSize = 1 << 20
    /// The largest size of weights and biases together, in bytes of float32.
    package static let maximumParameterBytes = 1 << 31

    /// A layer with its place in the network.
    struct PlacedLayer {
        let layer: any LayerKind
        /// The first part of its tensors' names: `layers.0`.
        let name: String
        let input: Shape
        let output: Shape
        let parameters: [LayerParameter]
    }

    /// The layers in order, with their shapes, after a check that the network is possible: 1 to 256 layers that fit each other,
    /// at most 2 GiB of parameters.
    ///
    /// - Parameters:
    ///   - inputDropout: The fraction of inputs that `sizes` networks drop in training.
    ///   - hiddenDropout: The fraction of hidden neurons that `sizes` networks drop in training.
    /// - Returns: At least one layer.
    /// - Throws: ``NetworkError``.
    func placedLayers(inputDropout: Double = 0, hiddenDropout: Double = 0) throws(NetworkError) -> [PlacedLayer] {
        if sizes.isEmpty && !layers.isEmpty { return try placed() }
        guard layers.isEmpty else { throw .bothForms }
        return try dense(inputDropout: inputDropout, hiddenDropout: hiddenDropout)
    }

    /// Checks that the architecture is possible.
    ///
    /// - Throws: ``NetworkError``.
    package func validated() throws(NetworkError) -> Architecture {
        _ = try placedLayers()
        return self
    }

    /// The values of a sample and the network's outputs.
    ///
    /// - Throws: ``NetworkError`` if the architecture is impossible.
    package func ends() throws(NetworkError) -> (inputs: Int, outputs: Int) {
        let placed = try placedLayers()
        return (placed[0].input.count, placed[placed.count - 1].output.count)
    }

    /// The network in a few words: `784-30-10`, or `1x28x28, conv 32, relu, flatten, dense 10`.
    package var summary: String {
        guard sizes.isEmpty else { return sizes.map(String.init).joined(separator: "-") }
        let dimensions = input.map(String.init).joined(separator: "x")
        return ([dimensions] + layers.map(\.summary)).joined(separator: ", ")
    }

    // MARK: - Both forms as placed layers

    private func dense(inputDropout: Double, hiddenDropout: Double) throws(NetworkError) -> [PlacedLayer] {
        guard sizes.count >= 2 else { throw .tooFewLayers(sizes.count) }
        guard sizes.count <= Self.maximumLayers else { throw .tooManyLayers(sizes.count) }
        for (layer, size) in sizes.enumerated() where size < 1 || size > Self.maximumLayerSize {
            throw .layerSize(size, layer: layer)
        }
        var placed: [PlacedLayer] = []
        for (index, (inputs, outputs)) in zip(sizes, sizes.dropFirst()).enumerated() {
            let (input, output) = (Shape.values(inputs), Shape.values(outputs))
            func add(_ layer: any LayerKind, from input: Shape, to output: Shape) {
                placed.append(
                    PlacedLayer(
                        layer: layer, name: "layers.\(index)", input: input, output: output,
                        parameters: layer.parameters(of: input)))
            }
            let rate = index == 0 ? inputDropout : hiddenDropout
            if rate > 0 { add(DropoutLayer(rate: rate), from: input, to: input) }
            add(DenseLayer(neurons: outputs), from: input, to: output)
            if index + 2 < sizes.count { add(ActivationLayer(activation), from: output, to: output) }
        }
        try Self.checkParameters(placed)
        return placed
    }

    private func placed() throws(NetworkError) -> [PlacedLayer] {
        guard layers.count <= Self.maximumLayers else { throw .tooManyLayers(layers.count) }
        guard var shape = Shape(input) else { throw .inputShape(input) }
        guard shape.count <= Self.maximumLayerSize else { throw .inputShape(input) }
        var placed: [PlacedLayer] = []
        for (index, layer) in layers.enumerated() {
            let output: Shape
            do throws(LayerProblem) {
                output = try layer.layer.outputShape(of: shape)
            } catch {
                throw .layer(index, layer.kindName, error.reason)
            }
            guard output.count <= Self.maximumLayerSize else {
                throw .layer(
                    index, layer.kindName,
                    "has \(output.count) values for a sample, and at most \(Self.maximumLayerSize) are allowed: give fewer "
                        + "filters, or a larger stride")
            }
            placed.append(
                PlacedLayer(
                    layer: layer.layer, name: "layers.\(index)", input: shape, output: output,
                    parameters: layer.layer.parameters(of: shape)))
            shape = output
        }
        guard case .values = shape else { throw .imageOutput(shape.dimensions) }
        guard placed.contains(where: { !$0.parameters.isEmpty }) else { throw .noParameters }
        try Self.checkParameters(placed)
        try Self.checkConvolutions(placed)
        return placed
    }

    /// Checks that the compute library can count the elements of each convolution's images and weights.
    private static func checkConvolutions(_ placed: [PlacedLayer]) throws(NetworkError) {
        let rows = placed.blockRows
        for (index, layer) in placed.enumerated() {
            guard let convolution = layer.layer as? ConvolutionLayer,
                let geometry = convolution.computedGeometry(of: layer.input), !geometry.isPossible(rows: rows)
            else { continue }
            throw .layer(
                index, ConvolutionLayer.name,
                "is too large for the compute library, in blocks of \(rows) samples: give fewer or smaller filters, or "
                    + "smaller images")
        }
    }

    private static func checkParameters(_ placed: [PlacedLayer]) throws(NetworkError) {
        let limit = maximumParameterBytes / MemoryLayout<Float>.stride
        var count = 0
        for parameter in placed.flatMap(\.parameters) {
            var size = 1
            for dimension in parameter.shape {
                let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
                guard !overflow, product <= limit else { throw .tooManyParameters }
                size = product
            }
            count += size
            guard count <= limit else { throw .tooManyParameters }
        }
    }
}

/// The architecture of a feed-forward network: everything except its parameters.
package struct Architecture: Codable, Hashable, Sendable {
    /// Neurons in each layer, the input layer first: `[784, 30, 10]`.
    package var sizes: [Int]
    /// The activation function of the hidden layers.
    package var activation: Activation
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
        self.output = output
        self.initializer = initializer
    }
}

extension Architecture {
    package static let maximumLayers = 256
    package static let maximumLayerSize = 1 << 20
    /// The largest size of weights and biases together, in bytes of float32.
    package static let maximumParameterBytes = 1 << 31

    /// Checks that the architecture is possible: 2 to 256 layers of at least one neuron, at most 2 GiB of parameters.
    ///
    /// - Throws: ``NetworkError``.
    package func validated() throws(NetworkError) -> Architecture {
        guard sizes.count >= 2 else { throw .tooFewLayers(sizes.count) }
        guard sizes.count <= Self.maximumLayers else { throw .tooManyLayers(sizes.count) }
        for (layer, size) in sizes.enumerated() where size < 1 || size > Self.maximumLayerSize {
            throw .layerSize(size, layer: layer)
        }
        // No overflow: a product of two sizes is at most 2^40, and there are at most 256 of them.
        let count = zip(sizes, sizes.dropFirst()).reduce(0) { $0 + ($1.0 + 1) * $1.1 }
        guard count <= Self.maximumParameterBytes / MemoryLayout<Float>.stride else { throw .tooManyParameters }
        return self
    }
}

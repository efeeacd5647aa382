/// The position of each layer's parameters in the one buffer that holds them all. Gradients have the same layout.
///
/// Layer by layer: the weights, [outputs, inputs], row-major, then the biases, [outputs], without gaps.
package struct ParameterLayout: Hashable, Sendable {
    /// The layers with parameters: one less than the network's sizes. `layers[0]` reads the network's inputs.
    package let layers: [Layer]
    /// The number of floats in the buffer.
    package let count: Int

    package struct Layer: Hashable, Sendable {
        package let inputs: Int
        package let outputs: Int
        /// [outputs, inputs], row-major.
        package let weights: Range<Int>
        /// [outputs].
        package let biases: Range<Int>

        /// Weights and biases.
        package var segment: Range<Int> {
            weights.lowerBound..<biases.upperBound
        }
    }

    /// - Throws: ``NetworkError`` if the architecture is impossible.
    package init(_ architecture: Architecture) throws(NetworkError) {
        let sizes = try architecture.validated().sizes
        var layers: [Layer] = []
        var end = 0
        for (inputs, outputs) in zip(sizes, sizes.dropFirst()) {
            let weights = end..<end + outputs * inputs
            let biases = weights.upperBound..<weights.upperBound + outputs
            layers.append(Layer(inputs: inputs, outputs: outputs, weights: weights, biases: biases))
            end = biases.upperBound
        }
        self.layers = layers
        self.count = end
    }

    /// Values of a sample.
    package var inputs: Int {
        layers[0].inputs
    }

    /// Neurons of the last layer: the number of classes.
    package var outputs: Int {
        layers[layers.count - 1].outputs
    }
}

/// Where each layer's parameters lie in the one buffer that holds them all. Gradients have the same layout.
///
/// Layer by layer: the weights, [outputs, inputs], row-major, then the biases, [outputs]. Nothing lies between.
package struct ParameterLayout: Hashable, Sendable {
    /// The layers that have parameters: one fewer than the network's sizes. `layers[0]` reads the inputs.
    package let layers: [Layer]
    /// Floats in the buffer.
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

    /// - Throws: ``NetworkError`` if the architecture can't be built.
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

    /// Neurons of the last layer: classes.
    package var outputs: Int {
        layers[layers.count - 1].outputs
    }
}

/// A tensor of the parameter buffer: one layer's weights or its biases.
///
/// The buffer holds, layer by layer, the weights and then the biases without a gap, which is the order of the file too.
struct ParameterTensor: Hashable {
    /// `layers.0.weight`; the first layer after the input layer is 0.
    var name: String
    /// Weights [outputs, inputs], row-major; biases [outputs].
    var shape: [Int]
    /// Elements of the parameter buffer.
    var range: Range<Int>

    /// All tensors of a network, in the order of the buffer.
    static func all(sizes: [Int]) -> [ParameterTensor] {
        var tensors: [ParameterTensor] = []
        var start = 0
        for (layer, (inputs, outputs)) in zip(sizes, sizes.dropFirst()).enumerated() {
            for (kind, shape) in [("weight", [outputs, inputs]), ("bias", [outputs])] {
                let end = start + shape.reduce(1, *)
                tensors.append(ParameterTensor(name: "layers.\(layer).\(kind)", shape: shape, range: start..<end))
                start = end
            }
        }
        return tensors
    }

    /// Weights and biases in all; nil where that is more than a network may have.
    static func elementCount(sizes: [Int]) -> Int? {
        var count = 0
        for (inputs, outputs) in zip(sizes, sizes.dropFirst()) {
            let (weights, productOverflow) = inputs.multipliedReportingOverflow(by: outputs)
            let (layer, layerOverflow) = weights.addingReportingOverflow(outputs)
            let (sum, sumOverflow) = count.addingReportingOverflow(layer)
            guard !productOverflow, !layerOverflow, !sumOverflow, sum <= ConfigurationSchema.maximumParameters
            else { return nil }
            count = sum
        }
        return count
    }
}

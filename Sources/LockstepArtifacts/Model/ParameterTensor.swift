import LockstepNetwork
import LockstepNumerics

/// A tensor of the parameter buffer: one layer's weights or its biases.
struct ParameterTensor: Hashable {
    /// `layers.0.weight`; layer 0 is the first after the input layer.
    var name: String
    /// Weights [outputs, inputs], row-major; biases [outputs].
    var shape: [Int]
    /// Elements of the parameter buffer.
    var range: Range<Int>
}

extension ParameterLayout {
    /// All tensors, in the order of the buffer, without gaps.
    var tensors: [ParameterTensor] {
        layers.enumerated().flatMap { index, layer in
            [
                ParameterTensor(
                    name: Self.weightName(index), shape: [layer.outputs, layer.inputs], range: layer.weights),
                ParameterTensor(name: Self.biasName(index), shape: [layer.outputs], range: layer.biases),
            ]
        }
    }

    static func weightName(_ layer: Int) -> String { "layers.\(layer).weight" }
    static func biasName(_ layer: Int) -> String { "layers.\(layer).bias" }
}

extension Model {
    /// The bytes of a tensor, little-endian float32, row-major.
    func bytes(of tensor: ParameterTensor) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(UnsafeMutableBufferPointer(rebasing: parameters.buffer[tensor.range]))
    }

    var layout: ParameterLayout {
        guard let layout = try? ParameterLayout(architecture) else {
            preconditionFailure("a model whose network cannot be built")
        }
        return layout
    }
}

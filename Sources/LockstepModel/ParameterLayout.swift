/// The position of each parameter tensor in the one buffer that holds a model's parameters. Gradients have the same layout.
///
/// The buffer is a sequence of segments without gaps. A segment is what becomes final at once in a backward pass, usually
/// the parameters of one layer; its tensors follow each other without gaps.
package struct ParameterLayout: Hashable, Sendable {
    /// The segments, in the order of the forward pass.
    package let segments: [Segment]
    /// The number of floats in the buffer.
    package let count: Int

    package struct Segment: Hashable, Sendable {
        /// At least one, in the order of the buffer.
        package let tensors: [Tensor]

        /// Elements of the buffer.
        package var range: Range<Int> {
            guard let first = tensors.first, let last = tensors.last else { return 0..<0 }
            return first.range.lowerBound..<last.range.upperBound
        }
    }

    package struct Tensor: Hashable, Sendable {
        /// The name in files: `layers.0.weight`.
        package let name: String
        /// Row-major; weights are [outputs, inputs] or [filters, channels, rows, columns].
        package let shape: [Int]
        /// Elements of the buffer.
        package let range: Range<Int>
        /// Whether weight decay applies: to weights, not to biases or scales.
        package let decays: Bool
    }

    /// A tensor without its place.
    package struct TensorShape: Hashable, Sendable {
        package var name: String
        package var shape: [Int]
        package var decays: Bool

        package init(name: String, shape: [Int], decays: Bool) {
            self.name = name
            self.shape = shape
            self.decays = decays
        }
    }

    /// - Parameter segments: The tensors of each segment, in the order of the buffer.
    package init(_ segments: [[TensorShape]]) {
        var end = 0
        self.segments = segments.map { tensors in
            Segment(
                tensors: tensors.map { tensor in
                    let start = end
                    end += tensor.shape.reduce(1, *)
                    return Tensor(name: tensor.name, shape: tensor.shape, range: start..<end, decays: tensor.decays)
                })
        }
        self.count = end
    }

    /// All tensors, in the order of the buffer, without gaps.
    package var tensors: [Tensor] { segments.flatMap(\.tensors) }
}

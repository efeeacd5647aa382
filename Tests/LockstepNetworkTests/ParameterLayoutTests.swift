import LockstepModel
import LockstepNetwork
import LockstepTesting
import Testing

@Suite("Parameter layout")
struct ParameterLayoutTests {
    @Test("784-30-10: weights, then biases, layer by layer")
    func textbook() throws {
        let model = try NetworkModel(Architecture(sizes: [784, 30, 10]))
        let layout = model.layout
        #expect(layout.count == 23_860)
        #expect(layout.tensors.map(\.range) == [0..<23_520, 23_520..<23_550, 23_550..<23_850, 23_850..<23_860])
        #expect(layout.tensors.map(\.shape) == [[30, 784], [30], [10, 30], [10]])
        #expect(
            layout.tensors.map(\.name)
                == ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"])
        #expect(layout.tensors.map(\.decays) == [true, false, true, false])
        #expect(layout.segments.map(\.range) == [0..<23_550, 23_550..<23_860])
        #expect((model.inputs, model.outputs) == (784, 10))
    }

    @Test("segments have no gaps, and every range has its matrix's size", arguments: 1...50)
    func contiguous(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let sizes = (0..<Int.random(in: 2...8, using: &random)).map { _ in Int.random(in: 1...40, using: &random) }
        let layout = try NetworkModel(Architecture(sizes: sizes)).layout
        #expect(layout.segments.count == sizes.count - 1)
        var end = 0
        for (l, segment) in layout.segments.enumerated() {
            let (weights, biases) = (segment.tensors[0], segment.tensors[1])
            #expect(weights.shape == [sizes[l + 1], sizes[l]] && biases.shape == [sizes[l + 1]])
            #expect(weights.range == end..<end + sizes[l] * sizes[l + 1])
            #expect(biases.range == weights.range.upperBound..<weights.range.upperBound + sizes[l + 1])
            #expect(segment.range == end..<biases.range.upperBound)
            end = segment.range.upperBound
        }
        #expect(layout.count == end)
    }
}

import LockstepNetwork
import LockstepTesting
import Testing

@Suite("Parameter layout")
struct ParameterLayoutTests {
    @Test("784-30-10: weights, then biases, layer by layer")
    func textbook() throws {
        let layout = try ParameterLayout(Architecture(sizes: [784, 30, 10]))
        #expect(layout.count == 23_860)
        #expect(layout.layers.map(\.weights) == [0..<23_520, 23_550..<23_850])
        #expect(layout.layers.map(\.biases) == [23_520..<23_550, 23_850..<23_860])
        #expect(layout.layers.map(\.segment) == [0..<23_550, 23_550..<23_860])
        #expect(layout.layers.map(\.inputs) == [784, 30])
        #expect(layout.layers.map(\.outputs) == [30, 10])
        #expect((layout.inputs, layout.outputs) == (784, 10))
    }

    @Test("segments have no gaps, and every range has its matrix's size", arguments: 1...50)
    func contiguous(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let sizes = (0..<Int.random(in: 2...8, using: &random)).map { _ in Int.random(in: 1...40, using: &random) }
        let layout = try ParameterLayout(Architecture(sizes: sizes))
        #expect(layout.layers.count == sizes.count - 1)
        var end = 0
        for (l, layer) in layout.layers.enumerated() {
            #expect((layer.inputs, layer.outputs) == (sizes[l], sizes[l + 1]))
            #expect(layer.weights == end..<end + sizes[l] * sizes[l + 1])
            #expect(layer.biases == layer.weights.upperBound..<layer.weights.upperBound + sizes[l + 1])
            #expect(layer.segment == end..<layer.biases.upperBound)
            end = layer.segment.upperBound
        }
        #expect(layout.count == end)
    }
}

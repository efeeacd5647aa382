import LockstepModel
import LockstepNetwork
import Testing

@Suite("Architecture")
struct ArchitectureTests {
    @Test("possible architectures are accepted", arguments: [[784, 30, 10], [784, 10], [1, 1], [5, 1, 5, 1]])
    func accepted(sizes: [Int]) throws {
        #expect(try Architecture(sizes: sizes).validated().sizes == sizes)
    }

    @Test(
        "what cannot be built is an error that says why",
        arguments: [
            ([], NetworkError.tooFewLayers(0)),
            ([784], .tooFewLayers(1)),
            ([784, 0, 10], .layerSize(0, layer: 1)),
            ([-1, 10], .layerSize(-1, layer: 0)),
            ([1, Int.max], .layerSize(.max, layer: 1)),
            ([1, 1 << 20 + 1], .layerSize(1 << 20 + 1, layer: 1)),
            (Array(repeating: 1, count: 257), .tooManyLayers(257)),
            ([1 << 20, 1 << 20], .tooManyParameters),
            (Array(repeating: 1 << 20, count: 256), .tooManyParameters),
        ])
    func refused(sizes: [Int], error: NetworkError) {
        #expect(throws: error) { try Architecture(sizes: sizes).validated() }
        #expect(throws: error) { try NetworkModel(Architecture(sizes: sizes)).layout }
        #expect(error.description.hasPrefix("network"))
        #expect(!error.description.contains("\n"))
    }

    @Test("2 GiB of parameters are the limit")
    func limit() throws {
        // (511 + 1) * 2^20 floats are 2^31 bytes.
        #expect(try NetworkModel(Architecture(sizes: [511, 1 << 20])).layout.count == 1 << 29)
        #expect(throws: NetworkError.tooManyParameters) {
            try NetworkModel(Architecture(sizes: [511, 1 << 20, 1])).layout
        }
    }
}

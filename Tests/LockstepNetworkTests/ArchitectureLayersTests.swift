import LockstepModel
import LockstepNumerics
import Testing

@testable import LockstepConfiguration
@testable import LockstepNetwork

@Suite("An architecture of layers")
struct ArchitectureLayersTests {
    private static let lenet: [any LayerKind] = [
        ConvolutionLayer(filters: 6, size: Extent(5), padding: .same), ActivationLayer(.relu),
        MaxPoolLayer(size: Extent(2)),
        ConvolutionLayer(filters: 16, size: Extent(5)), ActivationLayer(.relu), MaxPoolLayer(size: Extent(2)),
        FlattenLayer(), DropoutLayer(rate: 0.5), DenseLayer(neurons: 10),
    ]

    @Test("Parameters have PyTorch's names and shapes, in the order of the layers; weights alone decay")
    func layout() throws {
        let model = try NetworkModel(Architecture(input: [1, 28, 28], layers: Self.lenet))
        #expect(model.inputs == 784 && model.outputs == 10)
        #expect(
            model.layout.tensors.map(\.name) == [
                "layers.0.weight", "layers.0.bias", "layers.3.weight", "layers.3.bias", "layers.8.weight",
                "layers.8.bias",
            ])
        #expect(model.layout.tensors.map(\.shape) == [[6, 1, 5, 5], [6], [16, 6, 5, 5], [16], [10, 400], [10]])
        #expect(model.layout.tensors.map(\.decays) == [true, false, true, false, true, false])
        #expect(model.layout.count == 156 + 2_416 + 4_010)
        // 2 · filters · channels · 5 · 5 · places, and a backward pass as large again for weights and for inputs.
        let (first, second, third) = (2 * 6 * 25 * 784, 2 * 16 * 6 * 25 * 100, 2 * 400 * 10)
        #expect(model.flops.forward == first + second + third)
        #expect(model.flops.gradient == 2 * first + 3 * second + 3 * third)
    }

    @Test("Norms start as the identity, biases as the initializer says, filters with the inputs of a place")
    func initial() throws {
        let layers: [any LayerKind] = [
            ConvolutionLayer(filters: 8, size: Extent(3)), GroupNormLayer(groups: 2), FlattenLayer(), LayerNormLayer(),
            DenseLayer(neurons: 4),
        ]
        let model = try NetworkModel(Architecture(input: [2, 6, 6], layers: layers, initializer: .he))
        let parameters = FloatBuffer(count: model.layout.count)
        model.initialize(seed: 3, into: parameters)
        func values(_ name: String) -> [Float] {
            model.layout.tensors.first { $0.name == name }.map { Array(parameters.buffer[$0.range]) } ?? []
        }
        #expect(values("layers.1.weight") == [Float](repeating: 1, count: 8))
        #expect(values("layers.1.bias") == [Float](repeating: 0, count: 8))
        #expect(values("layers.3.weight") == [Float](repeating: 1, count: 128))
        #expect(values("layers.0.bias") == [Float](repeating: 0, count: 8))
        let random = Philox(seed: 3)
        let deviation = Float((2.0 / 18).squareRoot())
        let filters = values("layers.0.weight")
        #expect(filters.count == 144)
        for (i, weight) in filters.enumerated() {
            #expect(
                weight == deviation * random.standardNormal(at: RandomPosition(.initialParameters, sample: UInt32(i))))
        }
    }

    @Test("The rows of a block follow from the network")
    func blockRows() throws {
        func rows(_ input: [Int], _ layers: [any LayerKind]) throws -> Int {
            try NetworkModel(Architecture(input: input, layers: layers)).blockRows
        }
        #expect(try rows([784], [DenseLayer(neurons: 10)]) == 1_024)
        #expect(
            try rows([1, 28, 28], [MaxPoolLayer(size: Extent(2)), FlattenLayer(), DenseLayer(neurons: 10)]) == 1_024)
        #expect(try rows([1, 28, 28], Self.lenet) == 32)
        func wide(_ filters: Int) throws -> Int {
            try rows(
                [1, 28, 28],
                [
                    ConvolutionLayer(filters: filters, size: Extent(3), padding: .same), FlattenLayer(),
                    DenseLayer(neurons: 10),
                ])
        }
        // 784 inputs, and 784 values for a filter before and after 'flatten': 4 MiB hold 32 samples of 32,768 values.
        #expect(try wide(20) == 32)
        #expect(try wide(21) == 16)
        #expect(try wide(41) == 16)
        #expect(try wide(42) == 8)
        #expect(try wide(500) == 8)
    }

    @Test(
        "What cannot be built is named with its layer and the remedy",
        arguments: [
            (
                [1, 8, 8], [DenseLayer(neurons: 3)],
                "network.layers[0]: dense reads a list of values, not an image of shape"
            ),
            (
                [64], [ConvolutionLayer(filters: 3, size: Extent(3)), FlattenLayer()],
                "network.layers[0]: conv reads an image"
            ),
            (
                [1, 8, 8], [FlattenLayer(), MaxPoolLayer(size: Extent(2))], "network.layers[1]: max-pool reads an image"
            ),
            (
                [1, 8, 8], [ConvolutionLayer(filters: 3, size: Extent(9)), FlattenLayer(), DenseLayer(neurons: 3)],
                "network.layers[0]: conv has a window of 9 pixels, and the image before it has 8"
            ),
            (
                [1, 28, 28],
                [
                    ConvolutionLayer(filters: 3, size: Extent(3)),
                    ConvolutionLayer(filters: 3, size: Extent(rows: 3, columns: 14), padding: .same), FlattenLayer(),
                    DenseLayer(neurons: 3),
                ],
                "network.layers[1]: conv has filters of 14 columns, and the compute library computes at most 13: give a size"
            ),
            (
                [4_096, 3, 3],
                [ConvolutionLayer(filters: 4_096, size: Extent(3)), FlattenLayer(), DenseLayer(neurons: 3)],
                "network.layers[0]: conv is too large for the compute library, in blocks of 16 samples: give fewer"
            ),
            (
                [3, 8, 8], [GroupNormLayer(groups: 2), FlattenLayer(), DenseLayer(neurons: 3)],
                "network.layers[0]: group-norm has 2 groups, which do not divide the 3 channels"
            ),
            (
                [1, 8, 8],
                [MaxPoolLayer(size: Extent(2), padding: .pixels(2)), FlattenLayer(), DenseLayer(neurons: 3)],
                "network.layers[0]: max-pool has a padding of 2, and a window of 2 pixels"
            ),
            (
                [1, 8, 8], [ConvolutionLayer(filters: 3, size: Extent(3))],
                "network.layers end with an image of shape [3, 6, 6]"
            ),
            ([1, 8, 8], [FlattenLayer(), ActivationLayer(.relu)], "network.layers: no layer learns anything"),
            ([8, 8], [FlattenLayer(), DenseLayer(neurons: 3)], "network.input is [8, 8]"),
            ([1, 1 << 20, 2], [FlattenLayer(), DenseLayer(neurons: 3)], "network.input is [1, 1048576, 2]"),
            ([1 << 20], [DenseLayer(neurons: 1 << 20)], "network: the weights and biases take more than"),
            (
                [1, 1_024, 1_024],
                [ConvolutionLayer(filters: 2, size: Extent(1)), FlattenLayer(), DenseLayer(neurons: 3)],
                "network.layers[0]: conv has 2097152 values for a sample"
            ),
        ] as [([Int], [any LayerKind], String)])
    func refused(input: [Int], layers: [any LayerKind], expected: String) {
        let error = #expect(throws: NetworkError.self) {
            try NetworkModel(Architecture(input: input, layers: layers))
        }
        #expect(error?.description.hasPrefix(expected) == true, "\(error?.description ?? "")")
    }

    @Test("Layers that describe the same network in words and in JSON are equal")
    func coding() throws {
        let layers = Self.lenet + [LayerNormLayer(), GroupNormLayer(groups: 2), GlobalAveragePoolLayer()]
        for layer in layers.map(Layer.init) + [
            Layer(AveragePoolLayer(size: Extent(rows: 2, columns: 3), stride: Extent(2)))
        ] {
            let text = try #require(Layer.format.text(layer))
            #expect(try Layer.format.parse(text) == layer)
        }
        #expect(Layer.format.text(Layer(DenseLayer(neurons: 10)))?.flowText == "{dense: 10}")
        #expect(Layer.format.text(Layer(ActivationLayer(.leakyReLU)))?.flowText == "leaky-relu")
        #expect(
            Layer.format.text(Layer(MaxPoolLayer(size: Extent(2), stride: Extent(rows: 1, columns: 2))))?.flowText
                == "{max-pool: {size: 2, stride: [1, 2], padding: none}}")
    }
}

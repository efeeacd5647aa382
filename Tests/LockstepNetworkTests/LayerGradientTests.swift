import LockstepCompute
import LockstepModel
import LockstepNumerics
import LockstepTesting
import Testing

@testable import LockstepNetwork

#if canImport(Glibc)
    import Glibc
#endif

@Suite("Networks of layers", .enabled(if: NumericKernel.portable.isSupported, "this CPU has no AVX2"))
struct LayerGradientTests {
    /// A network with its reference in double, random parameters and samples.
    private struct Case {
        let model: NetworkModel
        let computer: any ModelComputer
        let weights: FloatBuffer
        let reference: ReferenceLayers
        let rows: Int
        let samples: [[Double]]
        let labels: [Int]

        init(_ input: [Int], _ layers: [any LayerKind], rows: Int, seed: UInt64) throws {
            var random = SplitMix64(seed: seed)
            model = try NetworkModel(
                Architecture(input: input, layers: layers, output: .softmax, initializer: .scaledNormal))
            weights = FloatBuffer(count: model.layout.count)
            for i in 0..<weights.count { weights.pointer[i] = Float.random(in: -0.7...0.7, using: &random) }
            computer = try model.makeComputer(
                seed: 0, library: try ComputeLibrary.open(.portable), maximumRows: rows)
            try computer.prepare(rows: [rows])
            computer.load(weights: weights.pointer)
            self.rows = rows
            let count = model.inputs
            let values = (0..<rows * count).map { _ in Float.random(in: -1...1, using: &random) }
            for (i, value) in values.enumerated() { computer.inputs[i] = value }
            let classes = model.outputs
            labels = (0..<rows).map { _ in Int.random(in: 0..<classes, using: &random) }
            for (row, label) in labels.enumerated() { computer.labels[row] = UInt16(label) }
            samples = (0..<rows).map { values[$0 * count..<($0 + 1) * count].map(Double.init) }
            reference = ReferenceLayers(
                input: model.input, layers: layers, layout: model.layout, parameters: weights.values.map(Double.init))
        }

        func gradient(accumulatingOn start: Float? = nil) -> (gradient: [Float], loss: Double) {
            let gradient = FloatBuffer(count: model.layout.count)
            gradient.buffer.update(repeating: start ?? .nan)
            let loss = computer.gradient(rows: rows, into: gradient, accumulating: start != nil)
            return (gradient.values, loss)
        }
    }

    /// Each kind of layer between others, in shapes that fill a register's lanes and that do not.
    private static let networks: [(name: String, input: [Int], layers: [any LayerKind])] = [
        ("dense", [6], [DenseLayer(neurons: 5), ActivationLayer(.tanh), DenseLayer(neurons: 3)]),
        ("flatten alone", [2, 3, 3], [FlattenLayer(), DenseLayer(neurons: 3)]),
        ("activation first", [2, 2, 2], [ActivationLayer(.sigmoid), FlattenLayer(), DenseLayer(neurons: 3)]),
        (
            "activations in a row", [4],
            [DenseLayer(neurons: 4), ActivationLayer(.tanh), ActivationLayer(.sigmoid), DenseLayer(neurons: 3)]
        ),
        (
            "convolution", [1, 6, 5],
            [
                ConvolutionLayer(filters: 3, size: Extent(3)), ActivationLayer(.tanh), FlattenLayer(),
                DenseLayer(neurons: 3),
            ]
        ),
        (
            "two convolutions", [2, 5, 6],
            [
                ConvolutionLayer(filters: 5, size: Extent(3), padding: .same), ActivationLayer(.leakyReLU),
                ConvolutionLayer(filters: 9, size: Extent(rows: 2, columns: 3), stride: Extent(2)),
                ActivationLayer(.sigmoid), FlattenLayer(), DenseLayer(neurons: 4),
            ]
        ),
        (
            "a convolution without activation", [3, 4, 4],
            [
                ConvolutionLayer(filters: 4, size: Extent(3), padding: .pixels(1)),
                ConvolutionLayer(filters: 3, size: Extent(2)), GlobalAveragePoolLayer(),
            ]
        ),
        (
            "max pooling", [1, 7, 7],
            [
                ConvolutionLayer(filters: 3, size: Extent(2)), MaxPoolLayer(size: Extent(2)), ActivationLayer(.tanh),
                FlattenLayer(), DenseLayer(neurons: 3),
            ]
        ),
        (
            "pooling of the input", [2, 5, 5],
            [
                AveragePoolLayer(size: Extent(3), stride: Extent(2), padding: .pixels(1)),
                MaxPoolLayer(size: Extent(2), stride: Extent(1)), FlattenLayer(), DenseLayer(neurons: 3),
            ]
        ),
        (
            "average pooling", [1, 6, 6],
            [
                ConvolutionLayer(filters: 4, size: Extent(3), padding: .same), ActivationLayer(.sigmoid),
                AveragePoolLayer(size: Extent(3), stride: Extent(2), padding: .same), FlattenLayer(),
                DenseLayer(neurons: 3),
            ]
        ),
        (
            "layer normalisation of an image", [1, 5, 5],
            [
                ConvolutionLayer(filters: 3, size: Extent(3)), LayerNormLayer(), ActivationLayer(.tanh), FlattenLayer(),
                DenseLayer(neurons: 3),
            ]
        ),
        (
            "layer normalisation of a list", [5],
            [DenseLayer(neurons: 6), LayerNormLayer(), ActivationLayer(.tanh), DenseLayer(neurons: 3)]
        ),
        (
            "group normalisation", [1, 5, 5],
            [
                ConvolutionLayer(filters: 6, size: Extent(3)), GroupNormLayer(groups: 3), ActivationLayer(.tanh),
                MaxPoolLayer(size: Extent(3)), FlattenLayer(), DenseLayer(neurons: 3),
            ]
        ),
        ("normalisation first", [4, 2, 2], [GroupNormLayer(groups: 2), FlattenLayer(), DenseLayer(neurons: 3)]),
    ]

    @Test(
        "The outputs, the loss and the gradient are those of an independent network in double",
        arguments: networks.indices)
    func reference(index: Int) throws {
        let (name, input, layers) = Self.networks[index]
        let network = try Case(input, layers, rows: 3, seed: UInt64(100 + index))
        let outputs = network.computer.outputs(rows: network.rows)
        for (row, sample) in network.samples.enumerated() {
            let z = try network.reference.outputs(sample)
            let largest = z.max() ?? 0
            let sum = z.reduce(0) { $0 + exp($1 - largest) }
            for (k, value) in z.enumerated() {
                #expect(abs(Double(outputs[row * z.count + k]) - exp(value - largest) / sum) < 1e-5, "\(name)")
            }
        }
        let (gradient, loss) = network.gradient()
        let expected = try network.reference.loss(network.samples, labels: network.labels)
        #expect(abs(loss - expected) < 1e-5 * max(1, expected), "\(name)")
        let slopes = try network.reference.slopes(network.samples, labels: network.labels)
        #expect(relativeError(gradient, slopes) < 2e-5, "\(name)")
    }

    @Test("A gradient can be added to another one, and comes again with the same bits", arguments: networks.indices)
    func accumulating(index: Int) throws {
        let (name, input, layers) = Self.networks[index]
        let network = try Case(input, layers, rows: 4, seed: UInt64(200 + index))
        let (gradient, loss) = network.gradient()
        let (sum, again) = network.gradient(accumulatingOn: 0.25)
        #expect(again == loss)
        #expect(relativeError(sum, gradient.map { Double($0) + 0.25 }) < 1e-5, "\(name)")
        _ = network.computer.outputs(rows: network.rows)
        let (second, secondLoss) = network.gradient()
        #expect(second.map(\.bitPattern) == gradient.map(\.bitPattern), "\(name)")
        #expect(secondLoss == loss)
    }

    @Test("Dropout keeps the same values in both passes, other ones in each epoch, and all of them in an evaluation")
    func dropout() throws {
        let layers: [any LayerKind] = [
            ConvolutionLayer(filters: 3, size: Extent(3)), ActivationLayer(.tanh), DropoutLayer(rate: 0.5),
            FlattenLayer(),
            DenseLayer(neurons: 3),
        ]
        let network = try Case([1, 6, 6], layers, rows: 3, seed: 5)
        let plain = try Case([1, 6, 6], layers.filter { !($0 is DropoutLayer) }, rows: 3, seed: 5)
        let gradients = (0..<2).map { epoch in
            let gradient = FloatBuffer(count: network.model.layout.count)
            _ = network.computer.gradient(rows: 3, epoch: UInt32(epoch), into: gradient)
            return gradient.values
        }
        #expect(gradients[0] != gradients[1])
        // A dropped value has no part in the gradient of its weights in the dense layer.
        let dense = network.model.layout.segments[1].tensors[0].range
        let single = try Case([1, 6, 6], layers, rows: 1, seed: 5)
        let zeros = single.gradient().gradient[dense].count { $0 == 0 }
        #expect((40...104).contains(zeros), "\(zeros) of 144, of which about half are dropped")
        #expect(zeros % 3 == 0)
        var predictions = [0, 0, 0]
        #expect(
            network.computer.evaluate(rows: 3, predictions: &predictions)
                == plain.computer.evaluate(rows: 3, predictions: &predictions))
    }

    @Test("The layers that sizes stand for are the same network", arguments: [3, 100])
    func shortForm(rows: Int) throws {
        let sizes = try NetworkCase(sizes: [100, 20, 12, 10], rows: rows, seed: 9)
        let layers = try NetworkModel(
            Architecture(
                input: [100],
                layers: [
                    DenseLayer(neurons: 20), ActivationLayer(.sigmoid), DenseLayer(neurons: 12),
                    ActivationLayer(.sigmoid),
                    DenseLayer(neurons: 10),
                ]), objective: Objective(cost: .quadratic))
        let computer = try layers.makeComputer(
            seed: 0, library: try ComputeLibrary.open(.portable), maximumRows: rows)
        try computer.prepare(rows: [rows])
        let weights = FloatBuffer(count: layers.layout.count)
        layers.initialize(seed: 9, into: weights)
        #expect(weights.values == sizes.weights.values)
        computer.load(weights: weights.pointer)
        computer.inputs.update(from: sizes.computer.inputs, count: rows * 100)
        computer.labels.update(from: sizes.computer.labels, count: rows)
        let gradient = FloatBuffer(count: layers.layout.count)
        let loss = computer.gradient(rows: rows, into: gradient)
        let expected = sizes.gradient()
        #expect(loss == expected.cost && gradient.values == expected.gradient)
        #expect(computer.prefersBytes(rows: rows) == sizes.computer.prefersBytes(rows: rows))
        #expect(computer.prefersBytes(rows: rows) == (rows == 100))
    }

    @Test("A sample's gradient does not depend on the blocks in which its mini-batch is computed, except for rounding")
    func blocks() throws {
        let (_, input, layers) = Self.networks[5]
        let whole = try Case(input, layers, rows: 6, seed: 77)
        let (gradient, loss) = whole.gradient()
        let sum = FloatBuffer(count: whole.model.layout.count)
        try whole.computer.prepare(rows: [2])
        var losses = 0.0
        let count = whole.model.inputs
        for start in [0, 2, 4] {
            for i in 0..<2 * count { whole.computer.inputs[i] = Float(whole.samples[start + i / count][i % count]) }
            for i in 0..<2 { whole.computer.labels[i] = UInt16(whole.labels[start + i]) }
            losses += whole.computer.gradient(rows: 2, into: sum, accumulating: start > 0)
        }
        #expect(abs(losses - loss) < 1e-5)
        #expect(relativeError(sum.values, gradient.map(Double.init)) < 1e-5)
    }
}

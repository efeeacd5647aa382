Ximport LockstepCompute
Ximport LockstepModel
Ximport LockstepNumerics
Ximport LockstepTesting
Ximport Testing
X
X@testable import LockstepNetwork
X
X#if canImport(Glibc)
X    import Glibc
X#endif
X
X@Suite("Networks of layers", .enabled(if: NumericKernel.portable.isSupported, "this CPU has no AVX2"))
Xstruct LayerGradientTests {
X    /// A network with its reference in double, random parameters and samples.
X    private struct Case {
X        let model: NetworkModel
X        let computer: any ModelComputer
X        let weights: FloatBuffer
X        let reference: ReferenceLayers
X        let rows: Int
X        let samples: [[Double]]
X        let labels: [Int]
X
X        init(_ input: [Int], _ layers: [any LayerKind], rows: Int, seed: UInt64) throws {
X            var random = SplitMix64(seed: seed)
X            model = try NetworkModel(
X                Architecture(input: input, layers: layers, output: .softmax, initializer: .scaledNormal))
X            weights = FloatBuffer(count: model.layout.count)
X            for i in 0..<weights.count { weights.pointer[i] = Float.random(in: -0.7...0.7, using: &random) }
X            computer = try model.makeComputer(
X                seed: 0, library: try ComputeLibrary.open(.portable), maximumRows: rows)
X            try computer.prepare(rows: [rows])
X            computer.load(weights: weights.pointer)
X            self.rows = rows
X            let count = model.inputs
X            let values = (0..<rows * count).map { _ in Float.random(in: -1...1, using: &random) }
X            for (i, value) in values.enumerated() { computer.inputs[i] = value }
X            let classes = model.outputs
X            labels = (0..<rows).map { _ in Int.random(in: 0..<classes, using: &random) }
X            for (row, label) in labels.enumerated() { computer.labels[row] = UInt16(label) }
X            samples = (0..<rows).map { values[$0 * count..<($0 + 1) * count].map(Double.init) }
X            reference = ReferenceLayers(
X                input: model.input, layers: layers, layout: model.layout, parameters: weights.values.map(Double.init))
X        }
X
X        func gradient(accumulatingOn start: Float? = nil) -> (gradient: [Float], loss: Double) {
X            let gradient = FloatBuffer(count: model.layout.count)
X            gradient.buffer.update(repeating: start ?? .nan)
X            let loss = computer.gradient(rows: rows, into: gradient, accumulating: start != nil)
X            return (gradient.values, loss)
X        }
X    }
X
X    /// Each kind of layer between others, in shapes that fill a register's lanes and that do not.
X    private static let networks: [(name: String, input: [Int], layers: [any LayerKind])] = [
X        ("dense", [6], [DenseLayer(neurons: 5), ActivationLayer(.tanh), DenseLayer(neurons: 3)]),
X        ("flatten alone", [2, 3, 3], [FlattenLayer(), DenseLayer(neurons: 3)]),
X        ("activation first", [2, 2, 2], [ActivationLayer(.sigmoid), FlattenLayer(), DenseLayer(neurons: 3)]),
X        (
X            "activations in a row", [4],
X            [DenseLayer(neurons: 4), ActivationLayer(.tanh), ActivationLayer(.sigmoid), DenseLayer(neurons: 3)]
X        ),
X        (
X            "convolution", [1, 6, 5],
X            [ConvolutionLayer(filters: 3, size: Extent(3)), ActivationLayer(.tanh), FlattenLayer(), DenseLayer(neurons: 3)]
X        ),
X        (
X            "two convolutions", [2, 5, 6],
X            [
X                ConvolutionLayer(filters: 5, size: Extent(3), padding: .same), ActivationLayer(.leakyReLU),
X                ConvolutionLayer(filters: 9, size: Extent(rows: 2, columns: 3), stride: Extent(2)),
X                ActivationLayer(.sigmoid), FlattenLayer(), DenseLayer(neurons: 4),
X            ]
X        ),
X        (
X            "a convolution without activation", [3, 4, 4],
X            [
X                ConvolutionLayer(filters: 4, size: Extent(3), padding: .pixels(1)),
X                ConvolutionLayer(filters: 3, size: Extent(2)), GlobalAveragePoolLayer(),
X            ]
X        ),
X        (
X            "max pooling", [1, 7, 7],
X            [
X                ConvolutionLayer(filters: 3, size: Extent(2)), MaxPoolLayer(size: Extent(2)), ActivationLayer(.tanh),
X                FlattenLayer(), DenseLayer(neurons: 3),
X            ]
X        ),
X        (
X            "pooling of the input", [2, 5, 5],
X            [
X                AveragePoolLayer(size: Extent(3), stride: Extent(2), padding: .pixels(1)),
X                MaxPoolLayer(size: Extent(2), stride: Extent(1)), FlattenLayer(), DenseLayer(neurons: 3),
X            ]
X        ),
X        (
X            "average pooling", [1, 6, 6],
X            [
X                ConvolutionLayer(filters: 4, size: Extent(3), padding: .same), ActivationLayer(.sigmoid),
X                AveragePoolLayer(size: Extent(3), stride: Extent(2), padding: .same), FlattenLayer(),
X                DenseLayer(neurons: 3),
X            ]
X        ),
X        (
X            "layer normalisation of an image", [1, 5, 5],
X            [
X                ConvolutionLayer(filters: 3, size: Extent(3)), LayerNormLayer(), ActivationLayer(.tanh), FlattenLayer(),
X                DenseLayer(neurons: 3),
X            ]
X        ),
X        (
X            "layer normalisation of a list", [5],
X            [DenseLayer(neurons: 6), LayerNormLayer(), ActivationLayer(.tanh), DenseLayer(neurons: 3)]
X        ),
X        (
X            "group normalisation", [1, 5, 5],
X            [
X                ConvolutionLayer(filters: 6, size: Extent(3)), GroupNormLayer(groups: 3), ActivationLayer(.tanh),
X                MaxPoolLayer(size: Extent(3)), FlattenLayer(), DenseLayer(neurons: 3),
X            ]
X        ),
X        ("normalisation first", [4, 2, 2], [GroupNormLayer(groups: 2), FlattenLayer(), DenseLayer(neurons: 3)]),
X    ]
X
X    @Test("The outputs, the loss and the gradient are those of an independent network in double", arguments: networks.indices)
X    func reference(index: Int) throws {
X        let (name, input, layers) = Self.networks[index]
X        let network = try Case(input, layers, rows: 3, seed: UInt64(100 + index))
X        let outputs = network.computer.outputs(rows: network.rows)
X        for (row, sample) in network.samples.enumerated() {
X            let z = try network.reference.outputs(sample)
X            let largest = z.max() ?? 0
X            let sum = z.reduce(0) { $0 + exp($1 - largest) }
X            for (k, value) in z.enumerated() {
X                #expect(abs(Double(outputs[row * z.count + k]) - exp(value - largest) / sum) < 1e-5, "\(name)")
X            }
X        }
X        let (gradient, loss) = network.gradient()
X        let expected = try network.reference.loss(network.samples, labels: network.labels)
X        #expect(abs(loss - expected) < 1e-5 * max(1, expected), "\(name)")
X        let slopes = try network.reference.slopes(network.samples, labels: network.labels)
X        #expect(relativeError(gradient, slopes) < 2e-5, "\(name)")
X    }
X
X    @Test("A gradient can be added to another one, and comes again with the same bits", arguments: networks.indices)
X    func accumulating(index: Int) throws {
X        let (name, input, layers) = Self.networks[index]
X        let network = try Case(input, layers, rows: 4, seed: UInt64(200 + index))
X        let (gradient, loss) = network.gradient()
X        let (sum, again) = network.gradient(accumulatingOn: 0.25)
X        #expect(again == loss)
X        #expect(relativeError(sum, gradient.map { Double($0) + 0.25 }) < 1e-5, "\(name)")
X        _ = network.computer.outputs(rows: network.rows)
X        let (second, secondLoss) = network.gradient()
X        #expect(second.map(\.bitPattern) == gradient.map(\.bitPattern), "\(name)")
X        #expect(secondLoss == loss)
X    }
X
X    @Test("Dropout keeps the same values in both passes, other ones in each epoch, and all of them in an evaluation")
X    func dropout() throws {
X        let layers: [any LayerKind] = [
X            ConvolutionLayer(filters: 3, size: Extent(3)), ActivationLayer(.tanh), DropoutLayer(rate: 0.5), FlattenLayer(),
X            DenseLayer(neurons: 3),
X        ]
X        let network = try Case([1, 6, 6], layers, rows: 3, seed: 5)
X        let plain = try Case([1, 6, 6], layers.filter { !($0 is DropoutLayer) }, rows: 3, seed: 5)
X        let gradients = (0..<2).map { epoch in
X            let gradient = FloatBuffer(count: network.model.layout.count)
X            _ = network.computer.gradient(rows: 3, epoch: UInt32(epoch), into: gradient)
X            return gradient.values
X        }
X        #expect(gradients[0] != gradients[1])
X        // A dropped value has no part in the gradient of its weights in the dense layer.
X        let dense = network.model.layout.segments[1].tensors[0].range
X        let single = try Case([1, 6, 6], layers, rows: 1, seed: 5)
X        let zeros = single.gradient().gradient[dense].count { $0 == 0 }
X        #expect((40...104).contains(zeros), "\(zeros) of 144, of which about half are dropped")
X        #expect(zeros % 3 == 0)
X        var predictions = [0, 0, 0]
X        #expect(
X            network.computer.evaluate(rows: 3, predictions: &predictions)
X                == plain.computer.evaluate(rows: 3, predictions: &predictions))
X    }
X
X    @Test("The layers that sizes stand for are the same network", arguments: [3, 100])
X    func shortForm(rows: Int) throws {
X        let sizes = try NetworkCase(sizes: [100, 20, 12, 10], rows: rows, seed: 9)
X        let layers = try NetworkModel(
X            Architecture(
X                input: [100],
X                layers: [
X                    DenseLayer(neurons: 20), ActivationLayer(.sigmoid), DenseLayer(neurons: 12), ActivationLayer(.sigmoid),
X                    DenseLayer(neurons: 10),
X                ]), objective: Objective(cost: .quadratic))
X        let computer = try layers.makeComputer(
X            seed: 0, library: try ComputeLibrary.open(.portable), maximumRows: rows)
X        try computer.prepare(rows: [rows])
X        let weights = FloatBuffer(count: layers.layout.count)
X        layers.initialize(seed: 9, into: weights)
X        #expect(weights.values == sizes.weights.values)
X        computer.load(weights: weights.pointer)
X        computer.inputs.update(from: sizes.computer.inputs, count: rows * 100)
X        computer.labels.update(from: sizes.computer.labels, count: rows)
X        let gradient = FloatBuffer(count: layers.layout.count)
X        let loss = computer.gradient(rows: rows, into: gradient)
X        let expected = sizes.gradient()
X        #expect(loss == expected.cost && gradient.values == expected.gradient)
X        #expect(computer.prefersBytes(rows: rows) == sizes.computer.prefersBytes(rows: rows))
X        #expect(computer.prefersBytes(rows: rows) == (rows == 100))
X    }
X
X    @Test("A sample's gradient does not depend on the blocks in which its mini-batch is computed, except for rounding")
X    func blocks() throws {
X        let (_, input, layers) = Self.networks[5]
X        let whole = try Case(input, layers, rows: 6, seed: 77)
X        let (gradient, loss) = whole.gradient()
X        let sum = FloatBuffer(count: whole.model.layout.count)
X        try whole.computer.prepare(rows: [2])
X        var losses = 0.0
X        let count = whole.model.inputs
X        for start in [0, 2, 4] {
X            for i in 0..<2 * count { whole.computer.inputs[i] = Float(whole.samples[start + i / count][i % count]) }
X            for i in 0..<2 { whole.computer.labels[i] = UInt16(whole.labels[start + i]) }
X            losses += whole.computer.gradient(rows: 2, into: sum, accumulating: start > 0)
X        }
X        #expect(abs(losses - loss) < 1e-5)
X        #expect(relativeError(sum.values, gradient.map(Double.init)) < 1e-5)
X    }
X}

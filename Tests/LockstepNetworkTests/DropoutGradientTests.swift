import LockstepCompute
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import Testing

@Suite("Training with dropout", .enabled(if: NumericKernel.portable.isSupported, "this CPU has no AVX2"))
struct DropoutGradientTests {
    @Test("the gradient agrees with the network of the kept units, in double", arguments: Activation.allCases)
    func reference(activation: Activation) throws {
        let sizes = [9, 16, 12, 4]
        let rows = 5
        let rates = (inputs: 0.25, hidden: 0.5)
        let network = try NetworkCase(
            sizes: sizes, rows: rows, seed: 3,
            kind: NetworkKind(
                activation: activation, output: .softmax, cost: .crossEntropy, initializer: .scaledNormal))
        let computer = try NetworkModel(
            Architecture(sizes: sizes, activation: activation, output: .softmax),
            objective: Objective(cost: .crossEntropy, inputDropout: rates.inputs, hiddenDropout: rates.hidden)
        ).makeComputer(seed: 77, library: try ComputeLibrary.open(.portable), maximumRows: rows)
        try computer.prepare(rows: [rows])
        computer.load(weights: network.weights.pointer)

        var expected = [Double](repeating: 0, count: network.layout.count)
        var expectedCost = 0.0
        for row in 0..<rows {
            let number = UInt32(100 + row)
            computer.sampleIndices[row] = number
            computer.labels[row] = UInt16(network.labels[row])
            for (k, value) in network.samples[row].enumerated() {
                computer.inputs[row * sizes[0] + k] = Float(value)
            }
            // A dropped unit has outgoing weights of 0; the kept units' weights grow by 1 / (1 - rate).
            var left = network.reference
            var factors: [[Double]] = []
            for l in network.layout.segments.indices {
                let rate = l == 0 ? rates.inputs : rates.hidden
                factors.append(draw(rate: rate, sample: number, layer: l, units: sizes[l]))
                for (place, element) in network.places(l).weights.enumerated() {
                    left.parameters[element] *= factors[l][place % sizes[l]]
                }
            }
            expectedCost += left.cost([network.samples[row]], labels: [network.labels[row]])
            var gradient = left.gradient([network.samples[row]], labels: [network.labels[row]])
            for l in network.layout.segments.indices {
                for (place, i) in network.places(l).weights.enumerated() { gradient[i] *= factors[l][place % sizes[l]] }
            }
            for i in gradient.indices { expected[i] += gradient[i] }
        }

        let gradient = FloatBuffer(count: network.layout.count)
        let cost = computer.gradient(rows: rows, epoch: 6, into: gradient)
        #expect(relativeError(Array(gradient.buffer), expected) < 2e-5)
        #expect(abs(cost - expectedCost) < 2e-6 * expectedCost)
    }

    @Test("evaluation drops no unit")
    func evaluation() throws {
        let kind = NetworkKind(activation: .relu, output: .softmax, cost: .crossEntropy, initializer: .he)
        let plain = try NetworkCase(sizes: [9, 16, 4], rows: 3, seed: 1, kind: kind)
        let computer = try NetworkModel(
            Architecture(sizes: [9, 16, 4], activation: .relu, output: .softmax),
            objective: Objective(cost: .crossEntropy, labelSmoothing: 0.3, inputDropout: 0.5, hiddenDropout: 0.5)
        ).makeComputer(seed: 0, library: try ComputeLibrary.open(.portable), maximumRows: 4)
        try computer.prepare(rows: [3])
        computer.load(weights: plain.weights.pointer)
        computer.inputs.update(from: plain.computer.inputs, count: 27)
        computer.labels.update(from: plain.computer.labels, count: 3)
        var predictions = [0, 0, 0]
        let result = computer.evaluate(rows: 3, predictions: &predictions)
        let expected = plain.computer.evaluate(rows: 3, predictions: &predictions)
        #expect(result == expected)
    }

    private func draw(rate: Double, sample: UInt32, layer: Int, units: Int) -> [Double] {
        var words = [UInt32](repeating: 0, count: 4 * ((units + 7) / 8))
        var factors = [Float](repeating: 0, count: units)
        DropoutMask(rate: rate).draw(
            Philox(seed: 77), epoch: 6, sample: sample, layer: layer, units: units, words: &words, factors: &factors)
        return factors.map(Double.init)
    }
}

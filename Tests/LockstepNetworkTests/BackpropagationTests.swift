import LockstepCompute
import LockstepNetwork
import LockstepNumerics
import Testing

@Suite("Backpropagation", .enabled(if: NumericKernel.portable.isSupported, "this CPU has no AVX2"))
struct BackpropagationTests {
    @Test("the gradient and the cost agree with an independent network in double", arguments: 1...60)
    func reference(seed: UInt64) throws {
        let network = try NetworkCase.random(seed: seed)
        let (gradient, cost) = network.gradient()
        let expected = network.reference.gradient(network.samples, labels: network.labels)
        let expectedCost = network.reference.cost(network.samples, labels: network.labels)
        #expect(relativeError(gradient, expected) < 2e-5, "seed \(seed), sizes \(network.reference.sizes)")
        #expect(abs(cost - expectedCost) < 2e-6 * max(1, expectedCost), "seed \(seed)")
    }

    @Test("the textbook's network too", arguments: [1, 7, 10, 128])
    func textbook(rows: Int) throws {
        let network = try NetworkCase(sizes: [784, 30, 10], rows: rows, seed: 5)
        let expected = network.reference.gradient(network.samples, labels: network.labels)
        #expect(relativeError(network.gradient().gradient, expected) < 1e-4)
    }

    @Test("with every activation, output and cost too", arguments: NetworkKind.all, [1, 2, 3, 4] as [UInt64])
    func kinds(kind: NetworkKind, seed: UInt64) throws {
        let network = try NetworkCase.random(seed: seed, kind: kind)
        let (gradient, cost) = network.gradient()
        let expected = network.reference.gradient(network.samples, labels: network.labels)
        let expectedCost = network.reference.cost(network.samples, labels: network.labels)
        #expect(relativeError(gradient, expected) < 2e-5, "seed \(seed), sizes \(network.reference.sizes)")
        #expect(abs(cost - expectedCost) < 2e-6 * max(1, expectedCost), "seed \(seed)")
    }

    @Test("the gradient is the slope that central differences measure", arguments: NetworkKind.all, [1, 2] as [UInt64])
    func centralDifferences(kind: NetworkKind, seed: UInt64) throws {
        let network = try NetworkCase(sizes: [7, 5, 4, 3], rows: 6, seed: seed, kind: kind)
        // The two points are so close that no rectifier's kink lies between them.
        let step = 1e-7
        let slopes = network.reference.parameters.indices.map { i in
            var (up, down) = (network.reference, network.reference)
            up.parameters[i] += step
            down.parameters[i] -= step
            let rise =
                up.cost(network.samples, labels: network.labels) - down.cost(network.samples, labels: network.labels)
            return rise / (2 * step)
        }
        #expect(relativeError(network.gradient().gradient, slopes) < 1e-5, "seed \(seed)")
    }

    @Test("A block of bytes gives the same bits as the block of their values", arguments: [100, 301])
    func bytes(rows: Int) throws {
        let network = try NetworkCase(sizes: [90, 20, 10], rows: rows, seed: 3)
        let backpropagation = network.backpropagation
        #expect(backpropagation.prefersBytes(rows: rows))
        let bytes = (0..<rows * 90).map { UInt8(truncatingIfNeeded: $0 &* 37 >> 3) }
        for (i, byte) in bytes.enumerated() { backpropagation.inputs[i] = Float(byte) * (1 / 255) }
        var predictions = [Int](repeating: -1, count: rows)
        let expected = network.gradient()
        let score = backpropagation.evaluate(rows: rows, weights: network.weights.pointer, predictions: &predictions)
        bytes.withUnsafeBufferPointer { memory in
            for row in 0..<rows { backpropagation.byteRows[row] = memory.baseAddress.map { $0 + row * 90 } }
            let input = Backpropagation.Input.bytes(scale: 1 / 255)
            let found = FloatBuffer(count: network.layout.count)
            let cost = backpropagation.gradient(
                rows: rows, input: input, weights: network.weights.pointer, into: found.pointer, accumulating: false,
                layerDone: { _ in })
            #expect(found.values.map(\.bitPattern) == expected.gradient.map(\.bitPattern))
            #expect(cost == expected.cost)
            var again = [Int](repeating: -2, count: rows)
            let second = backpropagation.evaluate(
                rows: rows, input: input, weights: network.weights.pointer, predictions: &again)
            #expect(second == score)
            #expect(again == predictions)
        }
    }

    @Test("Subnormal numbers count as zero in a gradient, and only there")
    func subnormals() throws {
        let network = try NetworkCase(sizes: [70, 3, 2], rows: 4, seed: 3)
        let backpropagation = network.backpropagation
        // Errors are below 1, so products with these are subnormal; products of the other samples are not.
        for i in 0..<4 * 70 { backpropagation.inputs[i] = i % 70 < 35 ? 0x1p-126 : 0x1p-100 }
        let (gradient, _) = network.gradient()
        let weights = network.layout.layers[0].weights
        for (place, element) in weights.enumerated() {
            #expect((gradient[element] == 0) == (place % 70 < 35), "weight \(place)")
            #expect(!gradient[element].isSubnormal)
        }
    }

    @Test("Few rows, and layers of many neurons, prefer floats to bytes")
    func fewBytes() throws {
        #expect(try !NetworkCase(sizes: [90, 20, 10], rows: 70, seed: 3).backpropagation.prefersBytes(rows: 40))
        #expect(try !NetworkCase(sizes: [90, 200, 10], rows: 70, seed: 3).backpropagation.prefersBytes(rows: 70))
    }

    @Test("accumulating adds to the gradient", arguments: 1...10)
    func accumulating(seed: UInt64) throws {
        let network = try NetworkCase.random(seed: seed)
        let (once, cost) = network.gradient()
        let sum = FloatBuffer(count: network.layout.count)
        for i in 0..<sum.count { sum.pointer[i] = Float(i) * 0.01 }
        let again = network.backpropagation.gradient(
            rows: network.rows, weights: network.weights.pointer, into: sum.pointer, accumulating: true,
            layerDone: { _ in })
        let expected = once.enumerated().map { Double($0.element) + Double(Float($0.offset) * 0.01) }
        #expect(again == cost)
        #expect(relativeError(Array(sum.buffer), expected) < 1e-6, "seed \(seed)")
    }

    @Test("the same block gives the same bits again, whatever is computed in between")
    func repeatable() throws {
        let network = try NetworkCase(sizes: [50, 20, 10], rows: 13, seed: 3)
        let (first, cost) = network.gradient()
        _ = network.backpropagation.outputs(rows: 14, weights: network.weights.pointer)
        let (second, secondCost) = network.gradient()
        #expect(first.map(\.bitPattern) == second.map(\.bitPattern))
        #expect(cost == secondCost)
    }

    @Test("layers are reported from the last to the first, each once it is final")
    func layerDone() throws {
        let network = try NetworkCase(sizes: [9, 8, 7, 6], rows: 5, seed: 2)
        let gradient = FloatBuffer(count: network.layout.count)
        gradient.buffer.update(repeating: .nan)
        var announced: [(layer: Int, segment: [Float])] = []
        _ = network.backpropagation.gradient(
            rows: 5, weights: network.weights.pointer, into: gradient.pointer, accumulating: false,
            layerDone: { l in
                announced.append((l, Array(gradient.buffer[network.layout.layers[l].segment])))
            })
        #expect(announced.map(\.layer) == [2, 1, 0])
        for (layer, segment) in announced {
            #expect(segment == Array(gradient.buffer[network.layout.layers[layer].segment]))
        }
    }

    @Test("an error from layerDone ends the pass")
    func layerDoneThrows() throws {
        struct Stop: Error {}
        let network = try NetworkCase(sizes: [4, 3, 2], rows: 2, seed: 1)
        let gradient = FloatBuffer(count: network.layout.count)
        var announced: [Int] = []
        #expect(throws: Stop.self) {
            _ = try network.backpropagation.gradient(
                rows: 2, weights: network.weights.pointer, into: gradient.pointer, accumulating: false
            ) { l in
                announced.append(l)
                throw Stop()
            }
        }
        #expect(announced == [1])
    }
}

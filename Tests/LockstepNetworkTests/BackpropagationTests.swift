import LockstepCompute
import LockstepModel
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
        let computer = network.computer
        #expect(computer.prefersBytes(rows: rows))
        let bytes = (0..<rows * 90).map { UInt8(truncatingIfNeeded: $0 &* 37 >> 3) }
        for (i, byte) in bytes.enumerated() { computer.inputs[i] = Float(byte) * (1 / 255) }
        var predictions = [Int](repeating: -1, count: rows)
        let expected = network.gradient()
        let score = computer.evaluate(rows: rows, predictions: &predictions)
        bytes.withUnsafeBufferPointer { memory in
            for row in 0..<rows { computer.byteRows[row] = memory.baseAddress.map { $0 + row * 90 } }
            let input = BlockInput.bytes(scale: 1 / 255)
            let found = FloatBuffer(count: network.layout.count)
            let cost = computer.gradient(rows: rows, input: input, into: found)
            #expect(found.values.map(\.bitPattern) == expected.gradient.map(\.bitPattern))
            #expect(cost == expected.cost)
            var again = [Int](repeating: -2, count: rows)
            let second = computer.evaluate(rows: rows, input: input, predictions: &again)
            #expect(second == score)
            #expect(again == predictions)
        }
    }

    @Test("Subnormal numbers count as zero in a gradient, and only there")
    func subnormals() throws {
        let network = try NetworkCase(sizes: [70, 3, 2], rows: 4, seed: 3)
        let computer = network.computer
        // Errors are below 1, so products with these are subnormal; products of the other samples are not.
        for i in 0..<4 * 70 { computer.inputs[i] = i % 70 < 35 ? 0x1p-126 : 0x1p-100 }
        let (gradient, _) = network.gradient()
        let weights = network.places(0).weights
        for (place, element) in weights.enumerated() {
            #expect((gradient[element] == 0) == (place % 70 < 35), "weight \(place)")
            #expect(!gradient[element].isSubnormal)
        }
    }

    @Test("Few rows, and layers of many neurons, prefer floats to bytes")
    func fewBytes() throws {
        #expect(try !NetworkCase(sizes: [90, 20, 10], rows: 70, seed: 3).computer.prefersBytes(rows: 40))
        #expect(try !NetworkCase(sizes: [90, 200, 10], rows: 70, seed: 3).computer.prefersBytes(rows: 70))
    }

    @Test("accumulating adds to the gradient", arguments: 1...10)
    func accumulating(seed: UInt64) throws {
        let network = try NetworkCase.random(seed: seed)
        let (once, cost) = network.gradient()
        let sum = FloatBuffer(count: network.layout.count)
        for i in 0..<sum.count { sum.pointer[i] = Float(i) * 0.01 }
        let again = network.computer.gradient(rows: network.rows, into: sum, accumulating: true)
        let expected = once.enumerated().map { Double($0.element) + Double(Float($0.offset) * 0.01) }
        #expect(again == cost)
        #expect(relativeError(Array(sum.buffer), expected) < 1e-6, "seed \(seed)")
    }

    @Test("the same block gives the same bits again, whatever is computed in between")
    func repeatable() throws {
        let network = try NetworkCase(sizes: [50, 20, 10], rows: 13, seed: 3)
        let (first, cost) = network.gradient()
        _ = network.computer.outputs(rows: 14)
        let (second, secondCost) = network.gradient()
        #expect(first.map(\.bitPattern) == second.map(\.bitPattern))
        #expect(cost == secondCost)
    }

    @Test("segments are reported from the last to the first, each once it is final")
    func segmentDone() throws {
        let network = try NetworkCase(sizes: [9, 8, 7, 6], rows: 5, seed: 2)
        let gradient = FloatBuffer(count: network.layout.count)
        gradient.buffer.update(repeating: .nan)
        var announced: [(segment: Int, values: [Float])] = []
        _ = network.computer.gradient(
            rows: 5, input: .floats, epoch: 0, into: gradient.pointer, accumulating: false,
            segmentDone: { segment in
                announced.append((segment, Array(gradient.buffer[network.layout.segments[segment].range])))
            })
        #expect(announced.map(\.segment) == [2, 1, 0])
        for (segment, values) in announced {
            #expect(values == Array(gradient.buffer[network.layout.segments[segment].range]))
        }
    }

    @Test("an error from segmentDone ends the pass")
    func segmentDoneThrows() throws {
        struct Stop: Error {}
        let network = try NetworkCase(sizes: [4, 3, 2], rows: 2, seed: 1)
        let gradient = FloatBuffer(count: network.layout.count)
        var announced: [Int] = []
        #expect(throws: Stop.self) {
            _ = try network.computer.gradient(
                rows: 2, input: .floats, epoch: 0, into: gradient.pointer, accumulating: false
            ) { segment in
                announced.append(segment)
                throw Stop()
            }
        }
        #expect(announced == [1])
    }
}

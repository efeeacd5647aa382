import LockstepCompute
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import Testing

@Suite("Evaluation", .enabled(if: NumericKernel.portable.isSupported, "this CPU has no AVX2"))
struct EvaluationTests {
    @Test("predictions, correct count and cost agree with an independent network in double", arguments: 1...30)
    func reference(seed: UInt64) throws {
        let network = try NetworkCase.random(seed: seed)
        let (predictions, correct, cost) = evaluate(network)
        let outputs = network.samples.map { network.reference.activations($0)[network.reference.sizes.count - 1] }
        for (row, prediction) in predictions.enumerated() {
            // Float rounding may swap the order of two nearly equal outputs.
            #expect(outputs[row][prediction] > (outputs[row].max() ?? 0) - 1e-5, "seed \(seed)")
        }
        #expect(correct == zip(predictions, network.labels).count { $0 == $1 })
        let expected = network.reference.cost(network.samples, labels: network.labels)
        #expect(abs(cost - expected) < 2e-6 * max(1, expected), "seed \(seed)")
        #expect(cost == network.gradient().cost)
    }

    @Test("outputs agree with an independent network in double", arguments: 1...10)
    func outputs(seed: UInt64) throws {
        let network = try NetworkCase.random(seed: seed)
        let outputs = network.computer.outputs(rows: network.rows)
        let expected = network.samples.flatMap {
            network.reference.activations($0)[network.reference.sizes.count - 1]
        }
        let actual = Array(UnsafeBufferPointer(start: outputs, count: expected.count))
        #expect(relativeError(actual, expected) < 1e-5, "seed \(seed)")
    }

    @Test("a tie goes to the lowest class")
    func tie() throws {
        let network = try NetworkCase(sizes: [3, 5], rows: 4, seed: 1)
        // All weights 0; the biases alone decide.
        network.weights.buffer.update(repeating: 0)
        for (i, bias) in [-1, 2, 0, 2, 2].enumerated() { network.weights.pointer[15 + i] = Float(bias) }
        #expect(evaluate(network).predictions == [1, 1, 1, 1])
        network.weights.buffer.update(repeating: 0)
        #expect(evaluate(network).predictions == [0, 0, 0, 0])
    }

    @Test("outputs of 0 everywhere are a tie as well")
    func saturated() throws {
        let network = try NetworkCase(sizes: [3, 5], rows: 4, seed: 1)
        network.weights.buffer.update(repeating: -1000)
        let (predictions, _, cost) = evaluate(network)
        #expect(predictions == [0, 0, 0, 0])
        #expect(cost == 2)
    }

    @Test("NaN weights predict class 0, count as wrong, and give a NaN cost", arguments: [1, 4])
    func notANumber(rows: Int) throws {
        let network = try NetworkCase(sizes: [3, 5], rows: rows, seed: 1)
        network.weights.buffer.update(repeating: .nan)
        for row in 0..<rows { network.computer.labels[row] = 0 }
        let (predictions, correct, cost) = evaluate(network)
        #expect(predictions == [Int](repeating: 0, count: rows))
        #expect(correct == 0)
        #expect(cost.isNaN)
        #expect(network.gradient().cost.isNaN)
    }

    @Test("a NaN output is ignored, and its row counts as wrong")
    func oneNotANumber() throws {
        let network = try NetworkCase(sizes: [3, 4], rows: 2, seed: 1)
        network.weights.buffer.update(repeating: 0)
        for (i, bias) in [Float.nan, 0, 3, 1].enumerated() { network.weights.pointer[12 + i] = bias }
        for row in 0..<2 { network.computer.labels[row] = 2 }
        let (predictions, correct, _) = evaluate(network)
        #expect(predictions == [2, 2])
        #expect(correct == 0)
    }

    private func evaluate(_ network: NetworkCase) -> (predictions: [Int], correct: Int, cost: Double) {
        var predictions = [Int](repeating: -1, count: network.rows)
        network.computer.load(weights: network.weights.pointer)
        let result = network.computer.evaluate(rows: network.rows, predictions: &predictions)
        return (predictions, result.correct, result.lossSum)
    }
}

import LockstepNumerics
import Testing

@Suite("Quadratic cost")
struct QuadraticCostTests {
    @Test("cost and errors of one row by hand")
    func oneRow() {
        var delta = [Float](repeating: .nan, count: 3)
        let cost = quadraticCostAndDelta(
            activations: [0.25, 0.5, 1], labels: [1], rows: 1, outputs: 3, delta: &delta)
        #expect(cost == 0.5 * (0.0625 + 0.25 + 1))
        #expect(delta == [0.25 * 0.1875, -0.5 * 0.25, 0])
    }

    @Test("costs are added row by row, in double", arguments: [1, 7, 100])
    func order(rows: Int) {
        let outputs = 10
        let random = Philox(seed: 3)
        let activations = (0..<rows * outputs).map {
            Float(random.uniform(at: RandomPosition(.fingerprint, sample: UInt32($0))))
        }
        let labels = (0..<rows).map { UInt16($0 * 7 % outputs) }
        var expected = 0.0
        for row in 0..<rows {
            var squares = 0.0
            for j in 0..<outputs {
                let difference = Double(activations[row * outputs + j]) - (j == Int(labels[row]) ? 1 : 0)
                squares += difference * difference
            }
            expected += squares / 2
        }
        var delta = [Float](repeating: .nan, count: rows * outputs)
        let cost = quadraticCostAndDelta(
            activations: activations, labels: labels, rows: rows, outputs: outputs, delta: &delta)
        #expect(cost == expected)
        #expect(quadraticCost(activations: activations, labels: labels, rows: rows, outputs: outputs) == expected)
        for (i, a) in activations.enumerated() {
            let y: Float = i % outputs == Int(labels[i / outputs]) ? 1 : 0
            #expect(delta[i] == (a - y) * (a * (1 - a)))
        }
    }

    @Test("a label that is not a class has the target 0 everywhere", arguments: [2, 3, UInt16.max])
    func foreignLabel(label: UInt16) {
        var delta: [Float] = [.nan, .nan]
        let cost = quadraticCostAndDelta(
            activations: [0.5, 0.5], labels: [label], rows: 1, outputs: 2, delta: &delta)
        #expect(cost == 0.25)
        #expect(delta == [0.125, 0.125])
    }

    @Test("a NaN activation makes the cost NaN")
    func notANumber() {
        #expect(quadraticCost(activations: [.nan, 0], labels: [1], rows: 1, outputs: 2).isNaN)
    }
}

@Suite("The quadratic cost of a linear layer")
struct SquaredErrorTests {
    @Test("is half the squared distance of each row, and its errors are the differences")
    func values() {
        let outputs: [Float] = [1, 2, -3, 0.5]
        let targets: [Float] = [0, 4, -3, 1]
        var delta = [Float](repeating: 9, count: 4)
        #expect(squaredError(outputs: outputs, targets: targets, rows: 2, count: 2, delta: &delta) == 2.5 + 0.125)
        #expect(delta == [1, -2, 0, -0.5])
        #expect(squaredError(outputs: outputs, targets: targets, rows: 4, count: 1, delta: nil) == 2.625)
        let nan: [Float] = [.nan]
        #expect(squaredError(outputs: nan, targets: nan, rows: 1, count: 1, delta: nil).isNaN)
    }
}

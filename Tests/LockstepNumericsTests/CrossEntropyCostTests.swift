import LockstepNumerics
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite("Cross-entropy")
struct CrossEntropyCostTests {
    static let rows: [[Float]] = [[0, 0, 0], [1, -2, 0.5], [80, 79, -80], [-1000, -1000, -1001], [3e38, 0, -3e38]]

    @Test("softmax and its cost agree with the formulas in double", arguments: rows, [0, 0.3])
    func softmax(row: [Float], smoothing: Double) {
        for label in 0...3 {
            let result = softmax(row, label: label, smoothing: smoothing)
            let z = row.map(Double.init)
            let largest = z.max() ?? 0
            let sum = z.reduce(0) { $0 + exp($1 - largest) }
            let expected = z.map { exp($0 - largest) / sum }
            var cost = 0.0
            for j in 0..<3 {
                let target = label < 3 && j == label ? 1 - smoothing + smoothing / 3 : smoothing / 3
                #expect(abs(Double(result.activations[j]) - expected[j]) < 2e-7)
                #expect(abs(Double(result.delta[j]) - (expected[j] - target)) < 2e-7)
                cost += target * (log(sum) + largest - z[j])
            }
            #expect(abs(result.cost - cost) <= 1e-6 * max(1, abs(cost)), "label \(label)")
        }
    }

    @Test("sigmoids and their cost agree with the formulas in double", arguments: rows, [0, 0.3])
    func sigmoids(row: [Float], smoothing: Double) {
        for label in 0...3 {
            var z = row
            var delta: [Float] = [0, 0, 0]
            let cost = sigmoidCrossEntropy(
                &z, labels: [UInt16(label)], rows: 1, outputs: 3,
                targets: ClassTargets(smoothing: smoothing, classes: 3), delta: &delta)
            var expected = 0.0
            for j in 0..<3 {
                let x = Double(row[j])
                let target = label < 3 && j == label ? 1 - smoothing + smoothing / 3 : smoothing / 3
                #expect(abs(Double(z[j]) - 1 / (1 + exp(-x))) < 2e-7)
                #expect(abs(Double(delta[j]) - (1 / (1 + exp(-x)) - target)) < 2e-7)
                expected += max(x, 0) + log1p(exp(-abs(x))) - target * x
            }
            #expect(abs(cost - expected) <= 1e-6 * max(1, abs(expected)), "label \(label)")
        }
    }

    @Test(
        "the cost of known activations is that of their weighted inputs",
        arguments: [[0, 0, 0], [1, -2, 0.5], [4, 3, -5]])
    func activations(row: [Float]) {
        for label in 0...3 {
            let result = softmax(row, label: label, smoothing: 0)
            let cost = softmaxCrossEntropy(
                activations: result.activations, labels: [UInt16(label)], rows: 1, outputs: 3)
            #expect(abs(cost - result.cost) <= 1e-6 * max(1, result.cost))

            var z = row
            let expected = sigmoidCrossEntropy(
                &z, labels: [UInt16(label)], rows: 1, outputs: 3, targets: ClassTargets(classes: 3), delta: nil)
            let sigmoids = sigmoidCrossEntropy(activations: z, labels: [UInt16(label)], rows: 1, outputs: 3)
            #expect(abs(sigmoids - expected) <= 1e-5 * max(1, expected))
        }
    }

    @Test("an activation that float32 has rounded to 0 or 1 has a finite cost, NaN and infinity have none")
    func saturated() {
        func softmax(_ row: [Float]) -> Double {
            softmaxCrossEntropy(activations: row, labels: [1], rows: 1, outputs: 2)
        }
        func sigmoid(_ row: [Float]) -> Double {
            sigmoidCrossEntropy(activations: row, labels: [1], rows: 1, outputs: 2)
        }
        let smallest = 126 * log(2.0)
        #expect(abs(softmax([1, 0]) - smallest) < 1e-12)
        #expect(softmax([1, 0x1p-133]) == softmax([1, 0]))
        #expect(softmax([0, 1]) == 0)
        #expect(abs(sigmoid([0, 0]) - smallest) < 1e-12)
        #expect(abs(sigmoid([1, 1]) - 25 * log(2.0)) < 1e-12)
        #expect(sigmoid([0, 1]) == 0)
        for value in [Float.nan, .infinity] {
            #expect(softmax([0, value]).isNaN)
            #expect(sigmoid([value, 1]).isNaN && sigmoid([0, value]).isNaN)
        }
    }

    @Test("NaN stays NaN", arguments: [[.nan, 0, 0], [.infinity, 0, 0], [0, .nan, .infinity]])
    func notANumber(row: [Float]) {
        #expect(!softmax(row, label: 1, smoothing: 0).cost.isFinite)
        var z = row
        let cost = sigmoidCrossEntropy(
            &z, labels: [1], rows: 1, outputs: 3, targets: ClassTargets(classes: 3), delta: nil)
        #expect(!cost.isFinite)
    }

    @Test("rows do not influence each other")
    func independent() {
        var z = Self.rows.flatMap { $0 }
        var logarithms = [Double](repeating: 0, count: 2 * Self.rows.count)
        let labels = Self.rows.indices.map { UInt16($0 % 3) }
        let cost = softmaxCrossEntropy(
            &z, labels: labels, rows: Self.rows.count, outputs: 3, targets: ClassTargets(classes: 3),
            logarithms: &logarithms, delta: nil)
        let single = Self.rows.enumerated().map { softmax($0.element, label: $0.offset % 3, smoothing: 0) }
        #expect(z == single.flatMap(\.activations))
        #expect(cost == single.reduce(0) { $0 + $1.cost })
    }

    private func softmax(
        _ row: [Float], label: Int, smoothing: Double
    ) -> (cost: Double, activations: [Float], delta: [Float]) {
        var z = row
        var delta: [Float] = [0, 0, 0]
        var logarithms = [0.0, 0]
        let cost = softmaxCrossEntropy(
            &z, labels: [UInt16(label)], rows: 1, outputs: 3, targets: ClassTargets(smoothing: smoothing, classes: 3),
            logarithms: &logarithms, delta: &delta)
        return (cost, z, delta)
    }
}

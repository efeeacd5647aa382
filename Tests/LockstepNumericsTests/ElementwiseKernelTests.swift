import LockstepNumerics
import Testing

/// Counts around the widths of vectorised loops and their remainders.
private let counts = Array(0...40) + [63, 64, 65, 257]

@Suite("Elementwise kernels")
struct ElementwiseKernelTests {
    @Test("accumulate adds in place", arguments: counts)
    func accumulation(count: Int) {
        let source = values(count, seed: 1)
        var destination = values(count, seed: 2)
        let expected = zip(destination, source).map { $0 + $1 }
        accumulate(source, into: &destination, count: count)
        #expect(destination == expected)
    }

    @Test("add gives the sum of two", arguments: counts)
    func addition(count: Int) {
        let (left, right) = (values(count, seed: 3), values(count, seed: 4))
        var sum = [Float](repeating: .nan, count: count)
        add(left, right, into: &sum, count: count)
        #expect(sum == zip(left, right).map { $0 + $1 })
    }

    @Test("descend rounds the product and the difference, each once", arguments: counts)
    func descent(count: Int) {
        let (current, gradient) = (values(count, seed: 5), values(count, seed: 6))
        let scale: Float = 3.0 / 7
        var next = [Float](repeating: .nan, count: count)
        let check = descend(from: current, along: gradient, scale: scale, into: &next, count: count)
        #expect(check.isFinite && check.read == BitSums(weights: bits(current)))
        #expect(check.written == BitSums(weights: bits(next)))
        let expected = zip(current, gradient).map { weight, slope in
            // Exact in double, so that each conversion is the only rounding.
            let product = Float(Double(scale) * Double(slope))
            return Float(Double(weight) - Double(product))
        }
        #expect(next == expected)
    }

    @Test("a product and a difference are not fused")
    func notFused() {
        // The product of these is 1 - 2^-46 exactly and 1 rounded, so a fused step would leave 2^-46.
        let scale: Float = 1 + 0x1p-23
        var next: [Float] = [.nan]
        #expect(descend(from: [1], along: [1 - 0x1p-23], scale: scale, into: &next, count: 1).isFinite)
        #expect(next == [0])
    }

    @Test("descend finds an infinity or NaN at any index", arguments: [1, 3, 16, 33, 100])
    func notFiniteDescent(count: Int) {
        let (current, gradient) = (values(count, seed: 5), values(count, seed: 6))
        var next = current
        for bad in [Float.infinity, -Float.infinity, .nan, .greatestFiniteMagnitude] {
            for i in 0..<count {
                var steep = gradient
                steep[i] = bad
                #expect(!descend(from: current, along: steep, scale: 3, into: &next, count: count).isFinite)
                #expect(!next[i].isFinite)
            }
        }
    }

    @Test("allFinite finds an infinity or NaN at any index", arguments: [1, 3, 16, 33, 100])
    func finite(count: Int) {
        var values = values(count, seed: 7)
        values[count / 2] = .greatestFiniteMagnitude
        #expect(allFinite(values, count: count))
        for bad in [Float.infinity, -Float.infinity, .nan, -.nan, .signalingNaN] {
            for i in 0..<count {
                let saved = values[i]
                values[i] = bad
                #expect(!allFinite(values, count: count))
                values[i] = saved
            }
        }
        #expect(allFinite([], count: 0))
    }

    @Test("addRow adds the row to every row of the matrix and nothing after it", arguments: [1, 2, 10], [1, 3, 30])
    func rowAddition(rows: Int, columns: Int) {
        let row = values(columns, seed: 8)
        let start = values(rows * columns + 1, seed: 13)
        var matrix = start
        addRow(row, to: &matrix, rows: rows, columns: columns)
        #expect(matrix.dropLast() == (0..<rows * columns).map { start[$0] + row[$0 % columns] }[...])
        #expect(matrix[rows * columns] == start[rows * columns])
    }

    @Test("sumColumns adds row by row", arguments: [1, 2, 10, 101], [1, 10, 30, 33])
    func columnSums(rows: Int, columns: Int) {
        let matrix = values(rows * columns, seed: 9)
        let start = values(columns, seed: 10)
        for accumulating in [false, true] {
            var sums = start
            sumColumns(matrix, rows: rows, columns: columns, accumulating: accumulating, into: &sums)
            let expected = (0..<columns).map { column in
                (0..<rows).reduce(accumulating ? start[column] : 0) { $0 + matrix[$1 * columns + column] }
            }
            #expect(sums == expected)
        }
    }

    @Test("multiplyBySigmoidSlope multiplies by a (1 - a)", arguments: counts)
    func slope(count: Int) {
        let activations = values(count, seed: 11)
        var delta = values(count, seed: 12)
        let expected = zip(delta, activations).map { $0 * ($1 * (1 - $1)) }
        multiplyBySigmoidSlope(&delta, activations: activations, count: count)
        #expect(delta == expected)
    }

    @Test("a saturated neuron has no error")
    func saturated() {
        var delta: [Float] = [5, -7]
        multiplyBySigmoidSlope(&delta, activations: [0, 1], count: 2)
        #expect(delta == [0, 0])
    }

    @Test("sumBits changes with any bit, and not with the order of the elements", arguments: [1, 3, 16, 33, 100])
    func bitSums(count: Int) {
        var values = values(count, seed: 14)
        let sum = sumBits(values, count: count)
        #expect(sum == bits(values) && sum == sumBits(values.reversed(), count: count))
        for (index, bit) in zip(0..<count, (0..<32).reversed()) {
            values[index] = Float(bitPattern: values[index].bitPattern ^ (1 << UInt32(bit)))
            #expect(sumBits(values, count: count) != sum)
            values[index] = Float(bitPattern: values[index].bitPattern ^ (1 << UInt32(bit)))
        }
    }

    private func bits(_ values: [Float]) -> UInt32 {
        values.reduce(0) { $0 &+ $1.bitPattern }
    }

    private func values(_ count: Int, seed: UInt64) -> [Float] {
        let random = Philox(seed: seed)
        return (0..<count).map { random.standardNormal(at: RandomPosition(.fingerprint, sample: UInt32($0))) }
    }
}

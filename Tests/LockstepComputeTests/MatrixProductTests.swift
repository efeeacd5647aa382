import LockstepCompute
import Testing

@Suite("Matrix products", .enabled(if: NumericKernel.portable.isSupported, "this CPU has no AVX2"))
struct MatrixProductTests {
    let products: MatrixProducts

    init() throws {
        products = try ComputeLibrary.open(.portable).products(forLayersOf: [40])
    }

    static let shapes = [
        (1, 1, 1), (1, 10, 784), (2, 3, 5), (10, 30, 784), (10, 10, 30), (33, 17, 65), (129, 40, 31), (33, 32, 63),
        (1000, 10, 30), (40, 1, 1), (40, 33, 100),
    ]

    @Test("the forward product is A · Wᵀ", arguments: shapes)
    func forward(shape: (rows: Int, outputs: Int, inputs: Int)) {
        let (rows, outputs, inputs) = shape
        let a = values(rows * inputs, seed: 1)
        let w = values(outputs * inputs, seed: 2)
        var c = [Float](repeating: .nan, count: rows * outputs)
        let expected = product(rows, outputs, inputs, plus: []) { i, j, k in
            (a[i * inputs + k], w[j * inputs + k])
        }
        products.forward(rows: rows, outputs: outputs, inputs: inputs, a: a, w: w, into: &c)
        #expect(largestDifference(c, expected) < tolerance(inputs))
    }

    @Test("the gradient of the weights is Dᵀ · A, or is added if accumulating", arguments: shapes, [false, true])
    func weightGradient(shape: (rows: Int, outputs: Int, inputs: Int), accumulating: Bool) {
        let (rows, outputs, inputs) = shape
        let d = values(rows * outputs, seed: 4)
        let a = values(rows * inputs, seed: 5)
        var g = values(outputs * inputs, seed: 6)
        let expected = product(outputs, inputs, rows, plus: accumulating ? g : []) { i, j, k in
            (d[k * outputs + i], a[k * inputs + j])
        }
        products.weightGradient(
            rows: rows, outputs: outputs, inputs: inputs, d: d, a: a, accumulating: accumulating, into: &g)
        #expect(largestDifference(g, expected) < tolerance(rows))
    }

    @Test("the errors of the inputs are D · W", arguments: shapes)
    func backward(shape: (rows: Int, outputs: Int, inputs: Int)) {
        let (rows, outputs, inputs) = shape
        let d = values(rows * outputs, seed: 7)
        let w = values(outputs * inputs, seed: 8)
        var e = [Float](repeating: .nan, count: rows * inputs)
        let expected = product(rows, inputs, outputs, plus: []) { i, j, k in
            (d[i * outputs + k], w[k * inputs + j])
        }
        products.backward(rows: rows, outputs: outputs, inputs: inputs, d: d, w: w, into: &e)
        #expect(largestDifference(e, expected) < tolerance(outputs))
    }

    @Test("the bits do not depend on the matrices' addresses", arguments: shapes)
    func alignment(shape: (rows: Int, outputs: Int, inputs: Int)) {
        let (rows, outputs, inputs) = shape
        let a = values(rows * inputs, seed: 9)
        let w = values(outputs * inputs, seed: 10)
        let capacity = rows * inputs + outputs * inputs + rows * outputs + 64
        let memory = UnsafeMutablePointer<Float>.allocate(capacity: capacity)
        defer { memory.deallocate() }
        let results = (0..<16).map { offset in
            let shiftedA = memory + offset
            shiftedA.initialize(from: a, count: a.count)
            let shiftedW = shiftedA + a.count + offset
            shiftedW.initialize(from: w, count: w.count)
            let c = shiftedW + w.count + offset
            products.forward(rows: rows, outputs: outputs, inputs: inputs, a: shiftedA, w: shiftedW, into: c)
            return UnsafeBufferPointer(start: c, count: rows * outputs).map(\.bitPattern)
        }
        #expect(Set(results).count == 1)
    }

    /// Plain loops in double: Σ over k of the two factors for row i, column j, plus `initial`.
    private func product(
        _ rows: Int, _ columns: Int, _ depth: Int, plus initial: [Float], factors: (Int, Int, Int) -> (Float, Float)
    ) -> [Double] {
        var result = initial.isEmpty ? [Double](repeating: 0, count: rows * columns) : initial.map(Double.init)
        for i in 0..<rows {
            for j in 0..<columns {
                for k in 0..<depth {
                    let (left, right) = factors(i, j, k)
                    result[i * columns + j] += Double(left) * Double(right)
                }
            }
        }
        return result
    }

    /// Values in [-1, 1) from a multiplicative congruential sequence.
    private func values(_ count: Int, seed: UInt64) -> [Float] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
        }
    }

    private func largestDifference(_ actual: [Float], _ expected: [Double]) -> Double {
        zip(actual, expected).reduce(0) { largest, pair in
            let difference = abs(Double(pair.0) - pair.1)
            return difference.isNaN ? .infinity : max(largest, difference)
        }
    }

    /// Half a unit in the last place for each of `depth` products and additions of values within [-1, 1].
    private func tolerance(_ depth: Int) -> Double {
        Double(depth + 1) * 0x1p-22
    }
}

import LockstepCompute
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Sizes around the widths of registers and tiles and their remainders.
private let shapes: [(rows: Int, columns: Int, depth: Int)] =
    (1...13).map { ($0, $0 % 5 + 1, 7 * $0) }
    + [(10, 30, 784), (10, 10, 30), (30, 784, 10), (1, 10, 1), (2, 17, 16), (3, 33, 8), (5, 40, 0), (64, 65, 129)]

/// The order of additions is part of the definition, so the products are compared with it bit by bit.
@Suite("Small products")
struct SmallProductsTests {
    static let kernels = NumericKernel.supported

    @Test("a dot product adds fused products per lane, then the lanes in a tree", arguments: kernels, shapes)
    func dotProducts(kernel: NumericKernel, shape: (rows: Int, columns: Int, depth: Int)) throws {
        let (rows, columns, depth) = shape
        let products = SmallProducts(kernel)
        let (a, b) = (values(rows * depth, seed: 1), values(columns * depth, seed: 2))
        var c = [Float](repeating: .nan, count: rows * columns + 1)
        products.dotProducts(rows: rows, columns: columns, depth: depth, a, b, into: &c)
        for i in 0..<rows {
            for j in 0..<columns {
                var lanes = [Float](repeating: 0, count: products.lanes.rawValue)
                for k in 0..<depth {
                    lanes[k % lanes.count] = fmaf(a[i * depth + k], b[j * depth + k], lanes[k % lanes.count])
                }
                while lanes.count > 1 {
                    let half = lanes.count / 2
                    lanes = (0..<half).map { lanes[$0] + lanes[$0 + half] }
                }
                #expect(c[i * columns + j] == lanes[0], "row \(i), column \(j)")
            }
        }
        #expect(c[rows * columns].isNaN)
    }

    @Test(
        "a short dot product adds fused products in order", arguments: kernels,
        [(1, 1, 0), (1, 1, 1), (40, 10, 30), (33, 32, 63), (100, 7, 17), (50, 16, 8)])
    func shortDotProducts(kernel: NumericKernel, shape: (rows: Int, columns: Int, depth: Int)) {
        let (rows, columns, depth) = shape
        let (a, b) = (values(rows * depth, seed: 1), values(columns * depth, seed: 2))
        var c = [Float](repeating: .nan, count: rows * columns + 1)
        SmallProducts(kernel).shortDotProducts(rows: rows, columns: columns, depth: depth, a, b, into: &c)
        for i in 0..<rows {
            for j in 0..<columns {
                let sum = (0..<depth).reduce(Float(0)) { sum, k in fmaf(a[i * depth + k], b[j * depth + k], sum) }
                #expect(c[i * columns + j] == sum, "row \(i), column \(j)")
            }
        }
        #expect(c[rows * columns].isNaN)
    }

    @Test("a combination of rows adds fused products in order", arguments: kernels, shapes)
    func rowCombinations(kernel: NumericKernel, shape: (rows: Int, columns: Int, depth: Int)) throws {
        let (rows, columns, depth) = shape
        let products = SmallProducts(kernel)
        let (x, y) = (values(rows * depth, seed: 3), values(depth * columns, seed: 4))
        let start = values(rows * columns + 1, seed: 5)
        for isTransposed in [false, true] {
            let (rowStride, step) = isTransposed ? (1, rows) : (depth, 1)
            for accumulating in [false, true] {
                var c = accumulating ? start : start.map { _ in Float.nan }
                let behind = c[rows * columns].bitPattern
                products.rowCombinations(
                    rows: rows, columns: columns, depth: depth, x, rowStride: rowStride, step: step, y,
                    accumulating: accumulating, into: &c)
                for i in 0..<rows {
                    for j in 0..<columns {
                        let sum = (0..<depth).reduce(accumulating ? start[i * columns + j] : 0) { sum, k in
                            fmaf(x[i * rowStride + k * step], y[k * columns + j], sum)
                        }
                        #expect(c[i * columns + j] == sum, "row \(i), column \(j), transposed: \(isTransposed)")
                    }
                }
                #expect(c[rows * columns].bitPattern == behind)
            }
        }
    }

    @Test(
        "products of bytes have the bits of those of the numbers that they stand for", arguments: kernels,
        shapes + [(11, 30, 200), (130, 7, 65), (300, 30, 784), (257, 3, 1)])
    func bytes(kernel: NumericKernel, shape: (rows: Int, columns: Int, depth: Int)) throws {
        let (rows, columns, depth) = shape
        let products = SmallProducts(kernel)
        let scale: Float = 1 / 255
        let bytes = values(rows * depth, seed: 6).map { UInt8(truncatingIfNeeded: Int($0 * 1000)) }
        let floats = bytes.map { Float($0) * scale }
        let (weights, errors) = (values(columns * depth, seed: 7), values(rows * columns, seed: 8))
        let start = values(columns * depth + 1, seed: 9)
        // The rows of bytes lie in another order in memory than in the matrix.
        let order = (0..<rows).map { rows - 1 - $0 }
        let shuffled = order.flatMap { bytes[$0 * depth..<($0 + 1) * depth] }
        try shuffled.withUnsafeBufferPointer { memory in
            let pointers = (0..<rows).map { row in memory.baseAddress.map { $0 + order[row] * depth } }
            try pointers.withUnsafeBufferPointer { pointers in
                let input = ByteRows(rows: try #require(pointers.baseAddress), scale: scale)
                var scratch = [Float](repeating: .nan, count: SmallProducts.scratchCount(depth: depth))
                var expected = [Float](repeating: .nan, count: rows * columns + 1)
                var found = expected
                products.dotProducts(rows: rows, columns: columns, depth: depth, floats, weights, into: &expected)
                products.dotProducts(
                    rows: rows, columns: columns, depth: depth, input, weights, into: &found, scratch: &scratch)
                #expect(found.map(\.bitPattern) == expected.map(\.bitPattern))
                for accumulating in [false, true] {
                    (expected, found) = (start, start)
                    products.rowCombinations(
                        rows: columns, columns: depth, depth: rows, errors, rowStride: 1, step: columns, floats,
                        accumulating: accumulating, into: &expected)
                    products.rowCombinations(
                        rows: columns, columns: depth, depth: rows, errors, rowStride: 1, step: columns, input,
                        accumulating: accumulating, into: &found, scratch: &scratch)
                    #expect(found.map(\.bitPattern) == expected.map(\.bitPattern))
                }
            }
        }
    }

    /// Values in [-1, 1) from a multiplicative congruential sequence.
    private func values(_ count: Int, seed: UInt64) -> [Float] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
        }
    }
}

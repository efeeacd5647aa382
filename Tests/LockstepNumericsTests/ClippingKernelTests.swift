import LockstepNumerics
import LockstepTesting
import Testing

@Suite("Kernels of clipping")
struct ClippingKernelTests {
    @Test("Squares are added in double, in eight lanes", arguments: [0, 1, 7, 8, 9, 15, 16, 1_000, 16_384])
    func squares(count: Int) {
        var random = SplitMix64(seed: UInt64(count) + 1)
        let values = (0..<count).map { _ in Float.random(in: -3...3, using: &random) }
        var lanes = [Double](repeating: 0, count: 8)
        for (index, value) in values.enumerated() { lanes[index % 8] += Double(value) * Double(value) }
        let (a, b) = (lanes[0] + lanes[4], lanes[1] + lanes[5])
        let (c, d) = (lanes[2] + lanes[6], lanes[3] + lanes[7])
        let expected = (a + c) + (b + d)
        #expect(sumSquares(values, count: count).bitPattern == expected.bitPattern)
    }

    @Test("The largest numbers do not overflow, and what is not finite stays visible")
    func extremes() {
        let largest = [Float](repeating: .greatestFiniteMagnitude, count: 100_000)
        #expect(sumSquares(largest, count: largest.count).isFinite)
        for value in [Float.infinity, -.infinity, .nan] {
            for place in [0, 8, 12] {
                var values = [Float](repeating: 1, count: 13)
                values[place] = value
                #expect(!sumSquares(values, count: values.count).isFinite)
            }
        }
    }

    @Test("Elements are clamped or scaled by themselves, in place too, and NaN stays NaN")
    func elements() {
        let values: [Float] = [-3, -2, -1.5, -0.0, 0, 1, 2, 2.5, .infinity, -.infinity, .nan, 7, -7, 0.5, 1.25, 9, -9]
        var clamped = [Float](repeating: 0, count: values.count)
        clamp(values, to: 2, into: &clamped, count: values.count)
        let limited: [Float] = [-2, -2, -1.5, -0.0, 0, 1, 2, 2, 2, -2, .nan, 2, -2, 0.5, 1.25, 2, -2]
        #expect(zip(clamped, limited).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN })
        var inPlace = values
        inPlace.withUnsafeMutableBufferPointer {
            guard let base = $0.baseAddress else { return }
            clamp(base, to: 2, into: base, count: values.count)
        }
        #expect(inPlace.map(\.bitPattern) == clamped.map(\.bitPattern))
        var scaled = [Float](repeating: 0, count: values.count)
        scale(values, by: 0.3, into: &scaled, count: values.count)
        #expect(zip(scaled, values).allSatisfy { $0 == 0.3 * $1 || $0.isNaN && $1.isNaN })
    }
}

import LockstepNumerics
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite("Sigmoid")
struct SigmoidTests {
    @Test("is within 1.5 units in the last place for x >= 0 and 2.5 down to -87")
    func error() {
        // Every magnitude, and a dense grid where the curve bends.
        let magnitudes = stride(from: 0, through: Float(87).bitPattern, by: 16_411).map { Float(bitPattern: $0) }
        let positive = magnitudes + (0..<400_000).map { Float($0) * 0.000217 }
        #expect(largestError(positive) <= 1.5)
        #expect(largestError(positive.map { -$0 }) <= 2.5)
    }

    @Test("has an absolute error of at most 5e-39 below -87")
    func farLeft() {
        let x = (0...4000).map { -87 - Float($0) / 1000 }
        for (x, y) in zip(x, sigmoids(x)) {
            #expect(abs(Double(y) - 1 / (1 + exp(-Double(x)))) < 5e-39)
        }
    }

    @Test("has exact limits", arguments: [17, 20, 88, 89, 1e5, Float.greatestFiniteMagnitude, .infinity])
    func limits(x: Float) {
        #expect(sigmoids([x]) == [1])
        #expect(sigmoids([-max(x, 89)]) == [0])
    }

    @Test("is one half at 0, and NaN for NaN")
    func special() {
        #expect(sigmoids([0, -0.0]) == [0.5, 0.5])
        for x in [Float.nan, -Float.nan, Float.signalingNaN, Float(bitPattern: 0x7FFF_FFFF)] {
            // Once through the vectorised part of the loop, once through its remainder.
            #expect(sigmoids([Float](repeating: x, count: 67)).allSatisfy { $0.isNaN })
        }
    }

    @Test("the bits do not depend on an element's index")
    func place() {
        let x = (0..<67).map { Float($0) * 0.37 - 11 }
        let alone = x.map { sigmoids([$0])[0].bitPattern }
        #expect(sigmoids(x).map(\.bitPattern) == alone)
    }

    private func sigmoids(_ values: [Float]) -> [Float] {
        var values = values
        applySigmoid(&values, count: values.count)
        return values
    }

    private func largestError(_ x: [Float]) -> Double {
        zip(x, sigmoids(x)).reduce(0) { largest, pair in
            let truth = 1 / (1 + exp(-Double(pair.0)))
            let error = abs(Double(pair.1) - truth) / Double(Float(truth).ulp)
            return error.isNaN ? .infinity : max(largest, error)
        }
    }
}

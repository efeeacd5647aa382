import LockstepNumerics
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite("Exponential and hidden activations")
struct ActivationTests {
    @Test("exp has a relative error of at most 1.2e-7 where it is neither tiny nor huge")
    func exponential() {
        let inputs = (0...400_000).map { Float(-87 + Double($0) * (175.3 / 400_000)) }
        let worst = zip(inputs, apply(applyExponential, to: inputs)).reduce(0.0) { worst, pair in
            max(worst, abs(Double(pair.1) / exp(Double(pair.0)) - 1))
        }
        #expect(worst < 1.2e-7)
    }

    @Test("exp is at least exp(-87), becomes infinity, and keeps NaN")
    func exponentialLimits() {
        let results = apply(applyExponential, to: [-88, -1e30, -.infinity, 89, .infinity, .nan, 0])
        #expect(results[0] == results[1] && results[1] == results[2])
        #expect(results[0] > 1.6e-38 && results[0] < 1.7e-38)
        #expect(results[3] == .infinity && results[4] == .infinity && results[5].isNaN && results[6] == 1)
    }

    @Test("tanh has a relative error of at most 2.5e-7")
    func tangent() {
        let inputs = (-200_000...200_000).map { Float(Double($0) / 20_000) }.filter { $0 != 0 }
        let worst = zip(inputs, apply(applyTanh, to: inputs)).reduce(0.0) { worst, pair in
            max(worst, abs(Double(pair.1) / tanh(Double(pair.0)) - 1))
        }
        #expect(worst < 2.5e-7)
    }

    @Test("tanh is odd, becomes 1 and keeps NaN")
    func tangentLimits() {
        let results = apply(applyTanh, to: [0, 100, -100, .infinity, -.infinity, .nan, 1e-30])
        #expect(results[0] == 0 && results[1] == 1 && results[2] == -1 && results[3] == 1 && results[4] == -1)
        #expect(results[5].isNaN)
        #expect(results[6] == 1e-30)
    }

    @Test("rectifiers cut or scale negative values and keep NaN")
    func rectifiers() {
        let inputs: [Float] = [-2, 0, 3, .infinity]
        #expect(apply(applyRectifier, to: inputs) == [0, 0, 3, .infinity])
        #expect(apply(applyLeakyRectifier, to: inputs) == [-0.02, 0, 3, .infinity])
        #expect(apply(applyRectifier, to: [.nan])[0].isNaN && apply(applyLeakyRectifier, to: [.nan])[0].isNaN)
    }

    @Test("sigmoid and exp agree: 1 / (1 + exp(-x))")
    func sigmoid() {
        let inputs = (-1000...1000).map { Float($0) / 11 }
        let exponentials = apply(applyExponential, to: inputs.map { -$0 })
        #expect(apply(applySigmoid, to: inputs) == exponentials.map { 1 / (1 + $0) })
    }

    private func apply(_ body: (UnsafeMutablePointer<Float>, Int) -> Void, to values: [Float]) -> [Float] {
        var values = values
        values.withUnsafeMutableBufferPointer { buffer in
            if let base = buffer.baseAddress { body(base, buffer.count) }
        }
        return values
    }
}

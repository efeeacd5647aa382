import LockstepNumerics
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite("Sine and cosine of half-turns")
struct TrigonometryTests {
    @Test("agree with libm's within the rounding of the argument")
    func accuracy() {
        var worst = 0.0
        for i in -50_000...50_000 {
            let x = Double(i) / 49_999.7
            let (sine, cosine) = sineAndCosine(halfTurns: x)
            worst = max(worst, abs(sine - sin(Double.pi * x)), abs(cosine - cos(Double.pi * x)))
        }
        // The rounding of π and of π x contributes up to 4.5e-16.
        #expect(worst < 6e-16)
    }

    @Test("multiples of a quarter turn are exact, and turns repeat", arguments: [0.0, 2, -2, 1e6, -1e15])
    func exact(turns: Double) {
        for (x, sine, cosine) in [(0.0, 0.0, 1.0), (0.5, 1, 0), (1, 0, -1), (-0.5, -1, 0)] {
            let result = sineAndCosine(halfTurns: turns + x)
            #expect(result.sine == sine && result.cosine == cosine, "x \(turns + x)")
        }
    }

    @Test("their squares add up to 1")
    func pythagoras() {
        for i in -1000...1000 {
            let (sine, cosine) = sineAndCosine(halfTurns: Double(i) / 137)
            #expect(abs(sine * sine + cosine * cosine - 1) < 5e-16)
        }
    }
}

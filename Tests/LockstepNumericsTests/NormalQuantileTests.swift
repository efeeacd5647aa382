import LockstepNumerics
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite("Logarithm and normal quantile")
struct NormalQuantileTests {
    @Test("the logarithm is within 1 unit in the last place of libm's")
    func logarithmAgainstLibrary() {
        let random = Philox(seed: 11)
        var worst = 0.0
        for sample in 0..<40_000 {
            let words = random.words(at: RandomPosition(.fingerprint, sample: UInt32(sample)))
            // Any positive normal double, and one around 1, where cancellation would show.
            let exponent = UInt64(1 + words[0] % 2045)
            let mantissa = UInt64(words[1] & 0xF_FFFF) << 32 | UInt64(words[2])
            let wide = Double(bitPattern: exponent << 52 | mantissa)
            let near = 0.5 + Double(words[3]) * 0x1p-32
            for x in [wide, near] {
                let expected = log(x)
                worst = max(worst, abs(logarithm(x) - expected) / expected.ulp)
            }
        }
        #expect(worst <= 1)
    }

    @Test("the logarithm's exact values and ends")
    func logarithmEnds() {
        #expect(logarithm(1) == 0)
        #expect(abs(logarithm(2) - M_LN2) <= M_LN2.ulp)
        #expect(abs(logarithm(.leastNormalMagnitude) - log(.leastNormalMagnitude)) <= 708.0.ulp)
        #expect(abs(logarithm(.greatestFiniteMagnitude) - log(.greatestFiniteMagnitude)) <= 709.0.ulp)
        #expect(abs(logarithm(2.0.squareRoot()) - log(2.0.squareRoot())) <= 0.25.ulp)
        #expect(abs(logarithm(0.5.squareRoot()) - log(0.5.squareRoot())) <= 0.25.ulp)
    }

    /// p and x computed with mpmath to 360 digits: in all three regions, at their borders and at both ends.
    static let reference: [(p: Double, x: Double)] = [
        (0x1p-53, -8.209536151601386856), (1e-300, -37.04709629936119924), (1e-100, -21.27345356096532429),
        (1e-30, -11.46402468844361572), (1.4e-11, -6.656723091518183636), (1.3e-11, -6.667611456510740835),
        (1e-09, -5.997807015007686861), (1e-05, -4.26489079392282461), (0.001, -3.090232306167813535),
        (0.0749, -1.440238267527963663), (0.0751, -1.438825392752539982), (0.1, -1.281551565544600435),
        (0.25, -0.6744897501960817432), (0.4, -0.2533471031357997413), (0.4999999, -2.506628274703106513e-7),
        (0.5000001, 2.506628273311648301e-7), (0.6, 0.2533471031357997413), (0.75, 0.6744897501960817432),
        (0.9249, 1.438825392752540374), (0.9251, 1.440238267527963859), (0.99, 2.326347874040840768),
        (0.9999, 3.719016485455708387), (1 - 0x1p-20, 4.763001034267813957), (1 - 0x1p-53, 8.209536151601386856),
    ]

    @Test("the quantile is within 2e-15 of values of 360 digits", arguments: reference)
    func quantile(p: Double, x: Double) {
        #expect(abs(normalQuantile(p) - x) <= 2e-15 * abs(x))
    }

    @Test("the quantile inverts libm's distribution function")
    func inverse() {
        let random = Philox(seed: 12)
        for sample in 0..<5000 {
            let p = random.uniform(at: RandomPosition(.fingerprint, sample: UInt32(sample))) / 2
            let x = normalQuantile(p)
            let density = exp(-x * x / 2) / (2 * Double.pi).squareRoot()
            let correction = (0.5 * erfc(-x / 2.0.squareRoot()) - p) / density
            #expect(abs(correction) < 4e-15 * max(1, abs(x)))
        }
    }

    @Test("the quantile is odd about one half")
    func symmetry() {
        #expect(normalQuantile(0.5) == 0)
        for p in [0.01, 0.0625, 0.125, 0.25, 0.375] as [Double] {
            #expect(abs(normalQuantile(p) + normalQuantile(1 - p)) <= 4 * normalQuantile(p).ulp)
        }
    }
}

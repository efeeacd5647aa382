import LockstepNumerics
import Testing

@Suite("Dropout")
struct DropoutTests {
    @Test("the fraction of dropped units is the rate", arguments: [0.05, 0.2, 0.5, 0.9])
    func share(rate: Double) {
        let factors = (0..<100).flatMap { draw(rate: rate, sample: $0, units: 500) }
        let kept = Double(factors.count { $0 != 0 })
        let deviation = (50_000 * rate * (1 - rate)).squareRoot()
        #expect(abs(kept - 50_000 * (1 - rate)) < 5 * deviation)
        #expect(Set(factors) == [0, Float(1 / (1 - rate))])
    }

    @Test("a factor depends on seed, epoch, sample and layer, not on earlier draws")
    func pure() {
        let first = draw(rate: 0.5, sample: 7, units: 100)
        _ = draw(rate: 0.5, sample: 8, units: 100)
        #expect(draw(rate: 0.5, sample: 7, units: 100) == first)
        #expect(draw(rate: 0.5, sample: 8, units: 100) != first)
        #expect(draw(rate: 0.5, sample: 7, units: 100, epoch: 1) != first)
        #expect(draw(rate: 0.5, sample: 7, units: 100, layer: 1) != first)
        #expect(draw(rate: 0.5, sample: 7, units: 100, seed: 2) != first)
    }

    @Test("any number of units is possible", arguments: [1, 7, 8, 9, 15, 16, 17, 1000])
    func units(count: Int) {
        let factors = (0..<40).map { draw(rate: 0.5, sample: $0, units: count) }
        for unit in 0..<count { #expect(Set(factors.map { $0[unit] }) == [0, 2], "unit \(unit)") }
    }

    @Test("words in bulk equal words drawn one by one", arguments: [1, 2, 5, 64])
    func fill(count: Int) {
        let random = Philox(seed: 0xFEDC_BA98_7654_3210)
        let position = RandomPosition(.dropout, epoch: 3, sample: 99, draw: .max - 2)
        var words = [UInt32](repeating: 0, count: 4 * count)
        random.fill(&words, from: position, count: count)
        for i in 0..<count {
            var place = position
            place.draw &+= UInt32(i)
            let expected = random.words(at: place)
            for w in 0..<4 { #expect(words[w * count + i] == expected[w]) }
        }
    }

    private func draw(
        rate: Double, sample: UInt32, units: Int, epoch: UInt32 = 0, layer: Int = 0, seed: UInt64 = 1
    ) -> [Float] {
        var words = [UInt32](repeating: 0, count: 4 * ((units + 7) / 8))
        var factors = [Float](repeating: .nan, count: units)
        DropoutMask(rate: rate).draw(
            Philox(seed: seed), epoch: epoch, sample: sample, layer: layer, units: units, words: &words,
            factors: &factors)
        return factors
    }
}

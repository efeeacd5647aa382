import LockstepNumerics
import Testing

@Suite("Philox4x32-10")
struct PhiloxTests {
    /// From the authors' Random123 library, `kat_vectors`: counter, key, words.
    static let knownAnswers: [(counter: SIMD4<UInt32>, seed: UInt64, words: SIMD4<UInt32>)] = [
        (SIMD4(repeating: 0), 0, SIMD4(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8)),
        (
            SIMD4(repeating: .max), .max,
            SIMD4(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD)
        ),
        (
            SIMD4(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344), 0x299F_31D0_A409_3822,
            SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1)
        ),
    ]

    @Test("gives the authors' known answers", arguments: knownAnswers)
    func knownAnswer(counter: SIMD4<UInt32>, seed: UInt64, words: SIMD4<UInt32>) {
        #expect(Philox(seed: seed).words(counter: counter) == words)
    }

    @Test("the counter is purpose, epoch, sample, draw")
    func counter() {
        let random = Philox(seed: 7)
        let position = RandomPosition(.permutation, epoch: 3, sample: 5, draw: 11)
        #expect(random.words(at: position) == random.words(counter: SIMD4(2, 3, 5, 11)))
        #expect(RandomPurpose.initialParameters.rawValue == 1)
        #expect(RandomPurpose.permutation.rawValue == 2)
        #expect(RandomPurpose.fingerprint.rawValue == 3)
    }

    @Test("words in bulk equal the words of each position")
    func bulk() {
        let random = Philox(seed: 0x1234_5678_9ABC_DEF0)
        let start = RandomPosition(.permutation, epoch: 9, sample: .max - 20, draw: 3)
        let count = 77
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4 * count) { words in
            random.fillFirst(words.baseAddress!, from: start, count: count)
            for i in 0..<count {
                var position = start
                position.sample &+= UInt32(i)
                #expect(words[i] == random.words(at: position)[0])
            }
            random.fill(words.baseAddress!, from: start, count: count)
            for i in 0..<count {
                var position = start
                position.draw &+= UInt32(i)
                #expect((0..<4).map { words[$0 * count + i] } == (0..<4).map { random.words(at: position)[$0] })
            }
        }
    }

    @Test("a shuffle is Fisher's and Yates's, by the integers of its indices", arguments: [0, 1, 2, 255, 257, 5000])
    func shuffle(count: Int) {
        let random = Philox(seed: 17)
        var expected = (0..<UInt32(count)).map { $0 * 3 }
        var shuffled = expected
        for i in stride(from: count - 1, to: 0, by: -1) {
            let position = RandomPosition(.permutation, epoch: 4, sample: UInt32(i))
            expected.swapAt(i, Int(random.integer(below: UInt32(i + 1), at: position)))
        }
        shuffled.withUnsafeMutableBufferPointer { random.shuffle($0, epoch: 4) }
        #expect(shuffled == expected)
    }

    @Test("an integer lies below its bound", arguments: [1, 2, 3, 10, 50_000, 0x8000_0001, UInt32.max])
    func integerBelow(bound: UInt32) {
        let random = Philox(seed: 1)
        for sample in 0..<2000 {
            #expect(random.integer(below: bound, at: RandomPosition(.permutation, sample: UInt32(sample))) < bound)
        }
    }

    @Test("an integer is the high half of word x bound, for the first draw that is not rejected")
    func rejection() {
        let random = Philox(seed: 99)
        // Nearly half of all words are rejected: 2^32 mod bound = 2^31 - 1.
        let bound: UInt32 = 0x8000_0001
        var rejections = 0
        for sample in 0..<500 {
            var position = RandomPosition(.permutation, epoch: 2, sample: UInt32(sample))
            var product = UInt64(random.words(at: position)[0]) * UInt64(bound)
            while product % (1 << 32) < (1 << 32) % UInt64(bound) {
                rejections += 1
                position.draw += 1
                product = UInt64(random.words(at: position)[0]) * UInt64(bound)
            }
            let start = RandomPosition(.permutation, epoch: 2, sample: UInt32(sample))
            #expect(random.integer(below: bound, at: start) == UInt32(product >> 32))
        }
        #expect(rejections > 300)
    }

    @Test("integers are uniform")
    func integerSpread() {
        let random = Philox(seed: 4)
        let (classes, draws) = (10, 100_000)
        var counts = [Int](repeating: 0, count: classes)
        for sample in 0..<draws {
            counts[Int(random.integer(below: 10, at: RandomPosition(.permutation, sample: UInt32(sample))))] += 1
        }
        let expected = Double(draws) / Double(classes)
        let chiSquare = counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
        // The 99.9 % quantile for 9 degrees of freedom.
        #expect(chiSquare < 27.88)
    }

    @Test("uniform numbers are words 0 and 1, shifted to the middle of their interval")
    func uniform() {
        let random = Philox(seed: 5)
        var sum = 0.0
        for sample in 0..<20_000 {
            let position = RandomPosition(.fingerprint, sample: UInt32(sample))
            let value = random.uniform(at: position)
            let words = random.words(at: position)
            let integer = UInt64(words[1]) << 20 | UInt64(words[0]) >> 12
            #expect(value == (Double(integer) + 0.5) / 0x1p52)
            #expect(value > 0 && value < 1)
            sum += value
        }
        // Four standard errors of the mean.
        #expect(abs(sum / 20_000 - 0.5) < 4 * 0.2887 / 141.4)
    }

    @Test("standard normal numbers have the Gaussian's first four moments")
    func standardNormalMoments() {
        let random = Philox(seed: 6)
        let count = 50_000.0
        var moments = [0.0, 0.0, 0.0, 0.0]
        for sample in 0..<50_000 {
            let position = RandomPosition(.initialParameters, sample: UInt32(sample))
            let x = Double(random.standardNormal(at: position))
            for (i, power) in [x, x * x, x * x * x, x * x * x * x].enumerated() { moments[i] += power / count }
        }
        // Four standard errors each: the variances of x, x², x³, x⁴ are 1, 2, 15, 96.
        for (moment, (expected, variance)) in zip(moments, [(0.0, 1.0), (1, 2), (0, 15), (3, 96)]) {
            #expect(abs(moment - expected) < 4 * (variance / count).squareRoot())
        }
    }
}

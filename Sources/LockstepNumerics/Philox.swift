/// What a random number is for. The purpose is part of the counter, so no two uses ever see the same number.
package enum RandomPurpose: UInt32, Sendable {
    case initialParameters = 1
    case permutation = 2
    case fingerprint = 3
    case dropout = 4
    case augmentation = 5
    case audit = 16
    /// What is done to a run on purpose, and when.
    case chaos = 17
    /// What a baseline that only guesses answers.
    case baselineGuess = 64
}

/// Where in a run's random numbers a number stands.
///
/// Nothing is consumed: the same position gives the same number, whoever asks for it and how often.
package struct RandomPosition: Hashable, Sendable {
    package var purpose: RandomPurpose
    package var epoch: UInt32
    /// The sample, parameter or other element that the number belongs to.
    package var sample: UInt32
    /// Tells several numbers of one element apart.
    package var draw: UInt32

    package init(_ purpose: RandomPurpose, epoch: UInt32 = 0, sample: UInt32, draw: UInt32 = 0) {
        self.purpose = purpose
        self.epoch = epoch
        self.sample = sample
        self.draw = draw
    }
}

/// The counter-based generator Philox4x32-10: a fixed, keyed mixing of 128 bits of counter into 128 random bits.
///
/// Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC '11.
package struct Philox: Hashable, Sendable {
    let key: (low: UInt32, high: UInt32)

    /// The numbers of the run with this seed, which is the key.
    package init(seed: UInt64) {
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed &>> 32))
    }

    package static func == (left: Philox, right: Philox) -> Bool {
        left.key == right.key
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(key.low)
        hasher.combine(key.high)
    }

    /// The four words for a counter, by ten rounds of two 32 x 32 -> 64 bit products each.
    ///
    /// Four scalars, no vector: so a loop around it can be vectorised.
    @inline(__always)
    private func mixed(
        _ counter: (UInt32, UInt32, UInt32, UInt32)
    ) -> (UInt32, UInt32, UInt32, UInt32) {
        var (x0, x1, x2, x3) = counter
        var (k0, k1) = (key.low, key.high)
        for _ in 0..<10 {
            let p0 = UInt64(0xD251_1F53) &* UInt64(x0)
            let p1 = UInt64(0xCD9E_8D57) &* UInt64(x2)
            (x0, x1, x2, x3) = (
                UInt32(truncatingIfNeeded: p1 &>> 32) ^ x1 ^ k0, UInt32(truncatingIfNeeded: p1),
                UInt32(truncatingIfNeeded: p0 &>> 32) ^ x3 ^ k1, UInt32(truncatingIfNeeded: p0)
            )
            // The key schedule is a Weyl sequence: the golden ratio and the square root of 3, minus 1.
            k0 &+= 0x9E37_79B9
            k1 &+= 0xBB67_AE85
        }
        return (x0, x1, x2, x3)
    }

    /// The four words for a counter.
    package func words(counter: SIMD4<UInt32>) -> SIMD4<UInt32> {
        let words = mixed((counter[0], counter[1], counter[2], counter[3]))
        return SIMD4(words.0, words.1, words.2, words.3)
    }

    /// The four words at a position.
    package func words(at position: RandomPosition) -> SIMD4<UInt32> {
        words(counter: SIMD4(position.purpose.rawValue, position.epoch, position.sample, position.draw))
    }

    /// The words at a position and at those after it, which differ in their draw: word w of the i-th in
    /// `words[w * count + i]`.
    ///
    /// The same numbers as ``words(at:)``, in a plain loop that the compiler vectorises.
    package func fill(_ words: UnsafeMutablePointer<UInt32>, from position: RandomPosition, count: Int) {
        let (words1, words2, words3) = (words + count, words + 2 * count, words + 3 * count)
        for i in 0..<count {
            let draw = position.draw &+ UInt32(truncatingIfNeeded: i)
            (words[i], words1[i], words2[i], words3[i]) = mixed(
                (position.purpose.rawValue, position.epoch, position.sample, draw))
        }
    }
}

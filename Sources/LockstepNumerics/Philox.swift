import CKernels

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

    /// The four words for a counter.
    package func words(counter: SIMD4<UInt32>) -> SIMD4<UInt32> {
        let words = lockstep_philox(counter[0], counter[1], counter[2], counter[3], key.low, key.high).word
        return SIMD4(words.0, words.1, words.2, words.3)
    }

    /// The four words at a position.
    package func words(at position: RandomPosition) -> SIMD4<UInt32> {
        words(counter: SIMD4(position.purpose.rawValue, position.epoch, position.sample, position.draw))
    }

    /// The words at a position and at those after it, which differ in their draw: word w of the i-th in
    /// `words[w * count + i]`.
    ///
    /// The same numbers as ``words(at:)``, by vectors.
    package func fill(_ words: UnsafeMutablePointer<UInt32>, from position: RandomPosition, count: Int) {
        lockstep_philox_fill(
            position.purpose.rawValue, position.epoch, position.sample, position.draw, key.low, key.high, words, count)
    }

    /// The first word at a position and at those of the samples after it, [count].
    ///
    /// The same numbers as ``words(at:)``, by vectors.
    package func fillFirst(_ words: UnsafeMutablePointer<UInt32>, from position: RandomPosition, count: Int) {
        lockstep_philox_first_words(
            position.purpose.rawValue, position.epoch, position.sample, position.draw, key.low, key.high, words, count)
    }
}

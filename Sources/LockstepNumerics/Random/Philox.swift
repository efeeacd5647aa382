import CKernels

/// The purpose of a random number. It is part of the counter, so no two purposes ever share a number.
package enum RandomPurpose: UInt32, Sendable {
    case initialParameters = 1
    case permutation = 2
    case fingerprint = 3
    case dropout = 4
    case augmentation = 5
    /// What the code of a program's own model draws.
    case programModel = 6
    case audit = 16
    /// The faults that are injected into a run, and their times.
    case chaos = 17
    /// The values that a sweep draws.
    case sweep = 18
    /// The answers of a baseline that guesses.
    case baselineGuess = 64
}

/// The position of a random number among a run's random numbers.
///
/// Nothing is consumed: the same position always gives the same number, in every process.
package struct RandomPosition: Hashable, Sendable {
    package var purpose: RandomPurpose
    package var epoch: UInt32
    /// The sample, parameter or other element that the number belongs to.
    package var sample: UInt32
    /// The index among several numbers of one element.
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

    /// The random numbers of a run with this seed, which is the key.
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

    /// The words at `count` positions with consecutive draws: word w of the i-th in `words[w * count + i]`.
    ///
    /// The same words as ``words(at:)``, computed in vectors.
    package func fill(_ words: UnsafeMutablePointer<UInt32>, from position: RandomPosition, count: Int) {
        lockstep_philox_fill(
            position.purpose.rawValue, position.epoch, position.sample, position.draw, key.low, key.high, words, count)
    }

    /// The first words at `count` positions with consecutive samples, [count].
    ///
    /// The same words as ``words(at:)``, computed in vectors.
    package func fillFirst(_ words: UnsafeMutablePointer<UInt32>, from position: RandomPosition, count: Int) {
        lockstep_philox_first_words(
            position.purpose.rawValue, position.epoch, position.sample, position.draw, key.low, key.high, words, count)
    }
}

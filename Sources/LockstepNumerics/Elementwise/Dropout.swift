import CKernels

/// Draws the dropout mask of one layer for one sample.
///
/// Unit u is kept if its 16 random bits, a pure function of seed, epoch, sample, layer and u, are at least
/// round(rate · 65,536). The factor of a kept unit is 1 / (1 - rate), which preserves the mean; of a dropped unit, 0.
/// Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15 (2014), in its
/// "inverted" form.
package struct DropoutMask: Sendable {
    /// Random bits below this drop a unit.
    private let threshold: UInt32
    /// The factor of a kept unit.
    package let scale: Float

    /// - Parameter rate: The fraction of dropped units, 0..<1.
    package init(rate: Double) {
        precondition(rate >= 0 && rate < 1)
        threshold = min(0xFFFF, UInt32((rate * 65_536).rounded()))
        scale = Float(1 / (1 - rate))
    }

    /// Writes the factors of a layer's units for one sample.
    ///
    /// - Parameters:
    ///   - random: The run's random numbers.
    ///   - epoch: The epoch of training.
    ///   - sample: The sample's index in the data set.
    ///   - layer: The layer's index, below 2^12.
    ///   - units: The layer's neurons, up to 2^20.
    ///   - words: Scratch memory for random bits, [4, ⌈units / 8⌉].
    ///   - factors: Receives the factors, [units].
    package func draw(
        _ random: Philox, epoch: UInt32, sample: UInt32, layer: Int, units: Int,
        words: UnsafeMutablePointer<UInt32>, factors: UnsafeMutablePointer<Float>
    ) {
        let blocks = (units + 7) / 8
        let first = RandomPosition(
            .dropout, epoch: epoch, sample: sample, draw: UInt32(truncatingIfNeeded: layer) &<< 20)
        random.fill(words, from: first, count: blocks)
        // Word w of block b holds the bits of units 2 w blocks + b and (2 w + 1) blocks + b.
        for half in 0..<8 {
            let start = half * blocks
            guard start < units else { return }
            let (source, target) = (words + (half >> 1) * blocks, factors + start)
            let shift = UInt32(half & 1) &<< 4
            for i in 0..<min(blocks, units - start) {
                target[i] = (source[i] &>> shift) & 0xFFFF >= threshold ? scale : 0
            }
        }
    }
}

/// `products = values * factors`, element by element; the three do not overlap.
package func multiply(
    _ values: UnsafePointer<Float>, by factors: UnsafePointer<Float>, into products: UnsafeMutablePointer<Float>,
    count: Int
) {
    lockstep_multiply(values, factors, products, count)
}

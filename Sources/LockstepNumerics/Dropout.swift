/// Draws which units of a layer take part in training on a sample.
///
/// Unit u takes part where its 16 random bits, a pure function of seed, epoch, sample, layer and u, are at least
/// round(rate · 65,536); then its factor is 1 / (1 - rate), so that means are kept, else 0. Srivastava et al., "Dropout:
/// a simple way to prevent neural networks from overfitting", JMLR 15 (2014), in its "inverted" form.
package struct DropoutMask: Sendable {
    /// Of a unit to be left out, in 1/65,536.
    private let threshold: UInt32
    /// What a unit that takes part is multiplied by.
    package let scale: Float

    /// - Parameter rate: Share of the units that are left out, 0..<1.
    package init(rate: Double) {
        precondition(rate >= 0 && rate < 1)
        threshold = min(0xFFFF, UInt32((rate * 65_536).rounded()))
        scale = Float(1 / (1 - rate))
    }

    /// Writes the factors of a layer's units for a sample.
    ///
    /// - Parameters:
    ///   - random: The run's numbers.
    ///   - epoch: Of the training.
    ///   - sample: Its number in the data set.
    ///   - layer: Its number, below 2^12.
    ///   - units: Neurons of the layer, up to 2^20.
    ///   - words: Room for random bits, [4, ⌈units / 8⌉].
    ///   - factors: [units].
    package func draw(
        _ random: Philox, epoch: UInt32, sample: UInt32, layer: Int, units: Int,
        words: UnsafeMutablePointer<UInt32>, factors: UnsafeMutablePointer<Float>
    ) {
        let blocks = (units + 7) / 8
        let first = RandomPosition(
            .dropout, epoch: epoch, sample: sample, draw: UInt32(truncatingIfNeeded: layer) &<< 20)
        random.fill(words, from: first, count: blocks)
        // Word w of block b has the bits of units 2 w blocks + b and (2 w + 1) blocks + b.
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

/// `values *= factors`, element by element.
package func multiply(
    _ values: UnsafeMutablePointer<Float>, by factors: UnsafePointer<Float>, count: Int
) {
    for i in 0..<count { values[i] *= factors[i] }
}

/// `values *= factor`, element by element.
package func scale(_ values: UnsafeMutablePointer<Float>, by factor: Float, count: Int) {
    for i in 0..<count { values[i] *= factor }
}

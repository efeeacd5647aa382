import LockstepNumerics

/// The units of one layer that take part in training on a block of samples.
struct DropoutLayer {
    /// What an activation was multiplied by if it is not 0.
    let scale: Float
    private let mask: DropoutMask
    private let layer: Int
    private let units: Int
    private let factors: FloatBuffer
    private let words: FloatBuffer

    /// - Parameters:
    ///   - rate: Share of the units that are left out, 0..<1.
    ///   - layer: Its number, the input layer's being 0.
    ///   - units: Neurons of the layer.
    ///   - maximumRows: Samples that a block may have.
    init(rate: Double, layer: Int, units: Int, maximumRows: Int) {
        mask = DropoutMask(rate: rate)
        scale = mask.scale
        self.layer = layer
        self.units = units
        factors = FloatBuffer(count: maximumRows * units)
        words = FloatBuffer(count: 4 * ((units + 7) / 8))
    }

    /// Draws the block's factors and multiplies its activations, [rows, units], by them.
    func apply(
        to activations: UnsafeMutablePointer<Float>, rows: Int, random: Philox, epoch: UInt32,
        samples: UnsafePointer<UInt32>
    ) {
        words.pointer.withMemoryRebound(to: UInt32.self, capacity: words.count) { words in
            for row in 0..<rows {
                mask.draw(
                    random, epoch: epoch, sample: samples[row], layer: layer, units: units, words: words,
                    factors: factors.pointer + row * units)
            }
        }
        multiply(activations, by: factors.pointer, count: rows * units)
    }

    /// Multiplies errors, [rows, units], by the factors of the last block.
    func apply(toErrors errors: UnsafeMutablePointer<Float>, rows: Int) {
        multiply(errors, by: factors.pointer, count: rows * units)
    }
}

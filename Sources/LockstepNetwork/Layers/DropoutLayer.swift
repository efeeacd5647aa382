import LockstepNumerics

/// The dropout of one layer's units, for a block of samples.
struct DropoutLayer {
    /// The factor of kept units.
    let scale: Float
    private let mask: DropoutMask
    private let layer: Int
    private let units: Int
    private let factors: FloatBuffer
    private let words: FloatBuffer

    /// - Parameters:
    ///   - rate: The fraction of dropped units, 0..<1.
    ///   - layer: The layer's index; the input layer is 0.
    ///   - units: The layer's neurons.
    ///   - maximumRows: The largest number of samples in a block.
    init(rate: Double, layer: Int, units: Int, maximumRows: Int) {
        mask = DropoutMask(rate: rate)
        scale = mask.scale
        self.layer = layer
        self.units = units
        factors = FloatBuffer(count: maximumRows * units)
        words = FloatBuffer(count: 4 * ((units + 7) / 8))
    }

    /// Draws the masks of a block and multiplies its activations, [rows, units], by them.
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

    /// Multiplies errors, [rows, units], by the masks of the last block.
    func apply(toErrors errors: UnsafeMutablePointer<Float>, rows: Int) {
        multiply(errors, by: factors.pointer, count: rows * units)
    }
}

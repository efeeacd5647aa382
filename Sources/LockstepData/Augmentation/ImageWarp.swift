import LockstepNumerics

/// One thread's workspace for transforming images: maps each pixel of the result to a place in the original.
///
/// The result is a pure function of the original, the options, the seed, the epoch and the sample's index. It uses +, -,
/// x and ``sineAndCosine(halfTurns:)`` only: the same bits on every CPU. `init` makes all buffers.
package final class ImageWarp {
    /// The side of the images in pixels.
    package let side: Int
    private let options: AugmentationOptions
    private let random: Philox
    private let field: ElasticField
    /// The column and the row of each pixel's source in the bordered original, [side, side] each.
    private let x: FloatBuffer
    private let y: FloatBuffer
    /// The original with a border of zeros, [side + 3, side + 3]: one pixel before it and two after it.
    private let bordered: FloatBuffer

    /// - Parameters:
    ///   - side: The number of rows, and of columns, of an image.
    ///   - options: The amounts of the transformations.
    ///   - seed: The run's seed.
    package init(side: Int, options: AugmentationOptions, seed: UInt64) {
        precondition(side > 0)
        self.side = side
        self.options = options
        self.random = Philox(seed: seed)
        self.field = ElasticField(side: side, spacing: Float(options.smoothness))
        self.x = FloatBuffer(count: side * side)
        self.y = FloatBuffer(count: side * side)
        self.bordered = FloatBuffer(count: (side + 3) * (side + 3))
    }

    /// Transforms an image in place.
    ///
    /// - Parameters:
    ///   - image: [side, side], row-major.
    ///   - epoch: The epoch of training.
    ///   - sample: The sample's index in the data set.
    package func apply(to image: UnsafeMutablePointer<Float>, epoch: Int, sample: UInt32) {
        var position = RandomPosition(.augmentation, epoch: UInt32(truncatingIfNeeded: epoch), sample: sample)
        placeAffinely(&position)
        if options.elastic > 0 { displace(&position) }
        let stride = side + 3
        for row in 0..<side {
            (bordered.pointer + (row + 1) * stride + 1).update(from: image + row * side, count: side)
        }
        interpolate(
            bordered.pointer, stride: stride, limit: Float(side + 1), x: x.pointer, y: y.pointer, into: image,
            count: side * side)
    }

    /// Fills `x` and `y`: rotation, scale, shear and shift about the image's centre.
    private func placeAffinely(_ position: inout RandomPosition) {
        let first = random.words(at: position)
        position.draw += 1
        let second = random.words(at: position)
        position.draw += 1
        let angle = Double(evenly(first[0])) * options.rotation / 180
        let (sine, cosine) = sineAndCosine(halfTurns: angle)
        let (sin, cos) = (Float(sine), Float(cosine))
        let (scaleX, scaleY) = (
            1 + Float(options.scale) * evenly(first[1]), 1 + Float(options.scale) * evenly(first[2])
        )
        let shear = Float(options.shear) * evenly(first[3])
        // Rotation · shear · scale.
        let (xx, xy) = (cos * scaleX, (cos * shear - sin) * scaleY)
        let (yx, yy) = (sin * scaleX, (sin * shear + cos) * scaleY)
        let middle = Float(side - 1) * 0.5
        // The border is one pixel wide.
        let (originX, originY) = (
            middle + 1 + Float(options.shift) * evenly(second[0]),
            middle + 1 + Float(options.shift) * evenly(second[1])
        )
        for row in 0..<side {
            let v = Float(row) - middle
            let (startX, startY) = (originX + xy * v, originY + yy * v)
            let (targetX, targetY) = (x.pointer + row * side, y.pointer + row * side)
            for column in 0..<side {
                let u = Float(Int32(truncatingIfNeeded: column)) - middle
                targetX[column] = startX + xx * u
                targetY[column] = startY + yx * u
            }
        }
    }

    /// Adds a smooth random displacement to both coordinates.
    private func displace(_ position: inout RandomPosition) {
        let amplitude = Float(options.elastic) * ElasticField.amplitude
        for target in [x.pointer, y.pointer] {
            field.add(amplitude: amplitude, random, &position, to: target)
        }
    }
}

/// A uniform number from -1 to 1, from a random word.
@inline(__always)
func evenly(_ word: UInt32) -> Float {
    Float(Int32(bitPattern: word) >> 8) * 0x1p-23
}

/// Samples an image bilinearly; places outside it give zero.
///
/// - Parameters:
///   - source: The image, with a border of zeros.
///   - stride: The distance between two rows of the image, in pixels.
///   - limit: The largest coordinate whose pixel has a right and a lower neighbour.
///   - x: The columns to sample, [count].
///   - y: The rows to sample, [count].
///   - destination: Receives the values, [count].
///   - count: The number of places.
private func interpolate(
    _ source: UnsafePointer<Float>, stride: Int, limit: Float, x: UnsafePointer<Float>, y: UnsafePointer<Float>,
    into destination: UnsafeMutablePointer<Float>, count: Int
) {
    for i in 0..<count {
        let column = x[i] > 0 ? (x[i] < limit ? x[i] : limit) : 0
        let row = y[i] > 0 ? (y[i] < limit ? y[i] : limit) : 0
        let (left, top) = (Int32(column), Int32(row))
        let (right, down) = (column - Float(left), row - Float(top))
        let corner = source + (Int(top) &* stride &+ Int(left))
        let upper = corner[0] + right * (corner[1] - corner[0])
        let lower = corner[stride] + right * (corner[stride &+ 1] - corner[stride])
        destination[i] = upper + down * (lower - upper)
    }
}

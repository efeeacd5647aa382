import LockstepNumerics

/// Smooth random fields over an image: random numbers on a coarse lattice, interpolated by cubic B-splines.
///
/// Simard et al. smooth a random number at every pixel with a Gaussian. The B-spline of spacing h is close to the Gaussian
/// of standard deviation h / √3 and takes a hundredth of the work. Their σ = 4, α = 34 corresponds to a spacing of 7 and
/// a root mean square of 1.4 pixels.
final class ElasticField {
    /// The factor of the lattice's numbers that gives a field of root mean square 1: numbers that are uniform from -1 to 1
    /// have the root mean square 1/√3, and the mean square weight of the spline, in one direction, is 151/315.
    static let amplitude: Float = 1.7320508 * 315 / 151

    private let side: Int
    /// The number of lattice points on a side.
    private let points: Int
    /// The first of each pixel's four lattice points, [side].
    private let first: [Int]
    /// The weights of each pixel's four lattice points, [4, side].
    private let weights: FloatBuffer
    /// The random numbers of the lattice, [points, points].
    private let lattice: FloatBuffer
    /// The lattice, interpolated along its rows, [points, side].
    private let rows: FloatBuffer
    private let words: UnsafeMutablePointer<UInt32>

    /// - Parameters:
    ///   - side: Pixels on a side.
    ///   - spacing: Pixels between lattice points, at least 1.
    init(side: Int, spacing: Float) {
        precondition(spacing >= 1)
        self.side = side
        var first: [Int] = []
        weights = FloatBuffer(count: 4 * side)
        for pixel in 0..<side {
            let place = Float(pixel) / spacing
            let index = Int(place)
            let t = place - Float(index)
            let s = 1 - t
            first.append(index)
            let values = [
                s * s * s / 6, (3 * t * t * t - 6 * t * t + 4) / 6, (3 * s * s * s - 6 * s * s + 4) / 6, t * t * t / 6,
            ]
            for (k, value) in values.enumerated() { weights.pointer[k * side + pixel] = value }
        }
        self.first = first
        points = (first.last ?? 0) + 4
        lattice = FloatBuffer(count: points * points + 3)
        rows = FloatBuffer(count: points * side)
        words = .allocate(capacity: points * points + 3)
        words.initialize(repeating: 0, count: points * points + 3)
    }

    deinit {
        words.deallocate()
    }

    /// Adds a field to `target`, [side, side], and advances `position` past the random numbers that it used.
    func add(
        amplitude: Float, _ random: Philox, _ position: inout RandomPosition, to target: UnsafeMutablePointer<Float>
    ) {
        let blocks = (points * points + 3) / 4
        random.fill(words, from: position, count: blocks)
        position.draw += UInt32(blocks)
        for i in 0..<points * points { lattice.pointer[i] = amplitude * evenly(words[i]) }

        let w = weights.pointer
        for point in 0..<points {
            let (source, joined) = (lattice.pointer + point * points, rows.pointer + point * side)
            for pixel in 0..<side {
                let values = source + first[pixel]
                joined[pixel] =
                    w[pixel] * values[0] + w[side + pixel] * values[1]
                    + (w[2 * side + pixel] * values[2] + w[3 * side + pixel] * values[3])
            }
        }
        for row in 0..<side {
            let (w0, w1, w2, w3) = (w[row], w[side + row], w[2 * side + row], w[3 * side + row])
            let r0 = rows.pointer + first[row] * side
            let (r1, r2, r3, destination) = (r0 + side, r0 + 2 * side, r0 + 3 * side, target + row * side)
            for pixel in 0..<side {
                destination[pixel] += w0 * r0[pixel] + w1 * r1[pixel] + (w2 * r2[pixel] + w3 * r3[pixel])
            }
        }
    }
}

/// 1 / (1 + exp(-x)), without libm, branches or fused products: the compiler vectorises loops over it, and the bits are
/// the same on every CPU.
///
/// The error is at most 1.5 units in the last place of a float32 for x >= 0 and 2.5 for -87 <= x < 0; below -87 the
/// result is within 5e-39 of the truth, which is too small for a normal number there. The limits are exact: 0 from -89
/// down, 1 from 17 up. NaN stays NaN.
///
/// With z = -x: exp(z) = 2^k exp(t) where k = round(z / ln 2) and t = z - k ln 2 lies within [-ln 2 / 2, ln 2 / 2];
/// exp(t) is the polynomial of Moshier's Cephes (`expf.c`), and ln 2 is split so that k times its high part is exact.
@inline(__always)
func sigmoid(_ x: Float) -> Float {
    let negated = -x
    // Up to 89, where k becomes 128 and 2^k infinity. Comparisons in this direction let NaN through.
    let lower: Float = negated < -87 ? -87 : negated
    let z: Float = lower > 89 ? 89 : lower
    // Adding 1.5 · 2^23 rounds to an integer, to nearest, and leaves it in the low bits.
    let magic: Float = 0x1.8p23
    let shifted = z * 1.44269504 + magic
    let k = shifted - magic
    let t = z - k * 0.693359375 + k * 2.12194440e-4
    var p: Float = 1.9875691500e-4
    p = p * t + 1.3981999507e-3
    p = p * t + 8.3334519073e-3
    p = p * t + 4.1665795894e-2
    p = p * t + 1.6666665459e-1
    p = p * t + 5.0000001201e-1
    p = p * t * t + t + 1
    let power = Float(bitPattern: (shifted.bitPattern &+ 127) &<< 23)
    return 1 / (1 + p * power)
}

/// A layer's activations from its weighted inputs, in place: `z = sigmoid(z)`, element by element.
package func applySigmoid(_ z: UnsafeMutablePointer<Float>, count: Int) {
    for i in 0..<count { z[i] = sigmoid(z[i]) }
}

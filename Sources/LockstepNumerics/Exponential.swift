/// exp(x), without libm, branches or fused products: the compiler vectorises loops over it, and the bits are the same on
/// every CPU.
///
/// Within 1.2e-7 of the truth, relative, for -87 <= x <= 88.37; below -87 the result is exp(-87) = 1.6e-38, from 88.38 on
/// it is infinity. NaN stays NaN.
///
/// exp(x) = 2^k exp(t) where k = round(x / ln 2) and t = x - k ln 2 lies within [-ln 2 / 2, ln 2 / 2]; exp(t) is the
/// polynomial of Moshier's Cephes (`expf.c`), and ln 2 is split so that k times its high part is exact.
@inline(__always)
func exponential(_ x: Float) -> Float {
    // Up to 89, where k becomes 128 and 2^k infinity. Comparisons in this direction let NaN through.
    let lower: Float = x < -87 ? -87 : x
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
    return p * Float(bitPattern: (shifted.bitPattern &+ 127) &<< 23)
}

/// `values = exp(values)`, element by element; see ``exponential(_:)``.
package func applyExponential(_ values: UnsafeMutablePointer<Float>, count: Int) {
    for i in 0..<count { values[i] = exponential(values[i]) }
}

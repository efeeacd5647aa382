/// sin(πx) and cos(πx) for |x| up to 2^51, with absolute errors of at most 3e-16; exact at multiples of 1/2.
///
/// libm's functions would not do: libm picks variants by CPU, and the weights depend on these results.
///
/// x = n/2 + r with r in [-1/4, 1/4] is exact; sine and cosine of t = πr are the minimax polynomials of Sun's fdlibm
/// (`k_sin.c`, `k_cos.c`, 1993).
package func sineAndCosine(halfTurns x: Double) -> (sine: Double, cosine: Double) {
    precondition(x.magnitude <= 0x1p51)
    // Adding 1.5 · 2^52 rounds to the nearest integer and leaves it in the low bits.
    let magic = 0x1.8p52
    let shifted = x + x + magic
    let t = (x - (shifted - magic) * 0.5) * 3.14159265358979323846
    let (sine, cosine) = (kernelSine(t), kernelCosine(t))
    switch shifted.bitPattern & 3 {
    case 0: return (sine, cosine)
    case 1: return (cosine, -sine)
    case 2: return (-sine, -cosine)
    default: return (-cosine, sine)
    }
}

/// sin t for |t| <= π/4.
private func kernelSine(_ t: Double) -> Double {
    let z = t * t
    var r = 1.58969099521155010221e-10
    r = r * z - 2.50507602534068634195e-08
    r = r * z + 2.75573137070700676789e-06
    r = r * z - 1.98412698298579493134e-04
    r = r * z + 8.33333333332248946124e-03
    r = r * z - 1.66666666666666324348e-01
    return t + t * (z * r)
}

/// cos t for |t| <= π/4.
private func kernelCosine(_ t: Double) -> Double {
    let z = t * t
    var r = -1.13596475577881948265e-11
    r = r * z + 2.08757232129817482790e-09
    r = r * z - 2.75573143513906633035e-07
    r = r * z + 2.48015872894767294178e-05
    r = r * z - 1.38888888888741095749e-03
    r = r * z + 4.16666666666666019037e-02
    let half = 0.5 * z
    let w = 1 - half
    return w + ((1 - w - half) + z * (z * r))
}

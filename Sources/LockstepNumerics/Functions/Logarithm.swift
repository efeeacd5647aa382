/// The natural logarithm of a positive, finite, normal double, with an error of at most 1 unit in the last place.
///
/// libm's logarithm would not do: libm picks variants by CPU, and the weights depend on these results.
///
/// x = 2^k (1 + f) with √½ < 1 + f < √2, and log(1 + f) = f - f²/2 + s (f²/2 + R(s²)) with s = f / (2 + f), where R is
/// the minimax polynomial of Sun's fdlibm (`e_log.c`, 1993). ln 2 is split so that k times its high part is exact.
package func logarithm(_ x: Double) -> Double {
    precondition(x.isNormal && x > 0)
    let bits = x.bitPattern
    // Mantissas from √2 on move into the next octave, so that f stays within [√½ - 1, √2 - 1].
    let shifted = bits &+ (0x3FF0_0000_0000_0000 &- 0x3FE6_A09E_667F_3BCD)
    let exponent = Int64(shifted &>> 52) &- 1023
    let f = Double(bitPattern: (shifted & 0x000F_FFFF_FFFF_FFFF) &+ 0x3FE6_A09E_667F_3BCD) - 1

    let s = f / (2 + f)
    let z = s * s
    var r = 1.479819860511658591e-01
    r = r * z + 1.531383769920937332e-01
    r = r * z + 1.818357216161805012e-01
    r = r * z + 2.222219843214978396e-01
    r = r * z + 2.857142874366239149e-01
    r = r * z + 3.999999999940941908e-01
    r = r * z + 6.666666666666735130e-01
    r = r * z

    let halfSquare = 0.5 * f * f
    let k = Double(exponent)
    return k * 6.93147180369123816490e-01
        - ((halfSquare - (s * (halfSquare + r) + k * 1.90821492927058770002e-10)) - f)
}

import CKernels

// What clipping does with a gradient. An element of a result depends on its operands alone.

/// The sum of the elements' squares, in double and in an order that depends on their number alone.
package func sumSquares(_ values: UnsafePointer<Float>, count: Int) -> Double {
    lockstep_sum_squares(values, count)
}

/// `scaled = factor * values`, element by element; `scaled` may be `values`.
package func scale(
    _ values: UnsafePointer<Float>, by factor: Float, into scaled: UnsafeMutablePointer<Float>, count: Int
) {
    lockstep_scale(values, factor, scaled, count)
}

/// `clamped = values`, within -limit...limit, element by element; NaN stays NaN. `clamped` may be `values`.
package func clamp(
    _ values: UnsafePointer<Float>, to limit: Float, into clamped: UnsafeMutablePointer<Float>, count: Int
) {
    lockstep_clamp(values, limit, clamped, count)
}

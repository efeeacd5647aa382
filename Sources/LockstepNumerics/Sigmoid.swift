import CKernels

/// A layer's activations from its weighted inputs, in place: `z = 1 / (1 + exp(-z))`, element by element, with the same
/// bits on every CPU.
///
/// The error is at most 1.5 units in the last place of a float32 for z >= 0 and 2.5 for -87 <= z < 0. Below -87, where the
/// true value is subnormal, the absolute error is at most 5e-39. The limits are exact: 0 from -89 down, 1 from 17 up. NaN
/// stays NaN.
package func applySigmoid(_ z: UnsafeMutablePointer<Float>, count: Int) {
    lockstep_apply_sigmoid(z, count)
}

/// The errors of a hidden sigmoid layer: `delta *= a (1 - a)`, element by element.
package func multiplyBySigmoidSlope(
    _ delta: UnsafeMutablePointer<Float>, activations: UnsafePointer<Float>, count: Int
) {
    lockstep_multiply_by_sigmoid_slope(delta, activations, count)
}

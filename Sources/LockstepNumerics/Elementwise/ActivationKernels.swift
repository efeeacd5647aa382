import CKernels

// Activation functions of hidden layers and their slopes. Each slope is a function of the activation itself, so weighted
// inputs are not stored. The compiler vectorises these plain loops.

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

/// `z = tanh(z)`, element by element; relative error at most 2.5e-7, exactly ±1 from ±9.02 on. NaN stays NaN.
///
/// An odd polynomial for |z| < 0.625, else 1 - 2 / (exp(2|z|) + 1); Moshier's Cephes (`tanhf.c`).
package func applyTanh(_ z: UnsafeMutablePointer<Float>, count: Int) {
    for i in 0..<count {
        let x = z[i]
        let magnitude = x.magnitude
        let square = x * x
        var p: Float = -5.70498872745e-3
        p = p * square + 2.06390887954e-2
        p = p * square - 5.37397155531e-2
        p = p * square + 1.33314422036e-1
        p = p * square - 3.33332819422e-1
        let small = p * square * x + x
        let large = 1 - 2 / (exponential(magnitude + magnitude) + 1)
        let signed = Float(bitPattern: large.bitPattern | (x.bitPattern & 0x8000_0000))
        z[i] = magnitude < 0.625 ? small : signed
    }
}

/// `z = max(z, 0)`, element by element. NaN stays NaN.
package func applyRectifier(_ z: UnsafeMutablePointer<Float>, count: Int) {
    for i in 0..<count {
        let x = z[i]
        z[i] = x < 0 ? 0 : x
    }
}

/// The slope of a leaky rectifier for negative inputs.
private let leak: Float = 0.01

/// `z = z < 0 ? 0.01 z : z`, element by element.
package func applyLeakyRectifier(_ z: UnsafeMutablePointer<Float>, count: Int) {
    for i in 0..<count {
        let x = z[i]
        z[i] = x < 0 ? leak * x : x
    }
}

/// The errors of a hidden tanh layer: `delta *= 1 - a²`, element by element.
package func multiplyByTanhSlope(
    _ delta: UnsafeMutablePointer<Float>, activations: UnsafePointer<Float>, count: Int
) {
    for i in 0..<count {
        let a = activations[i]
        delta[i] *= 1 - a * a
    }
}

/// The errors of a hidden layer of rectifiers: `delta *= a > 0 ? 1 : 0`, element by element.
package func multiplyByRectifierSlope(
    _ delta: UnsafeMutablePointer<Float>, activations: UnsafePointer<Float>, count: Int
) {
    for i in 0..<count { delta[i] *= activations[i] > 0 ? 1 : 0 }
}

/// The errors of a hidden layer of leaky rectifiers: `delta *= a > 0 ? 1 : 0.01`, element by element.
package func multiplyByLeakyRectifierSlope(
    _ delta: UnsafeMutablePointer<Float>, activations: UnsafePointer<Float>, count: Int
) {
    for i in 0..<count { delta[i] *= activations[i] > 0 ? 1 : leak }
}

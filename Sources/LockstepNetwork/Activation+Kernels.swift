import LockstepNumerics

extension Activation {
    /// Activations from weighted inputs, in place.
    func apply(_ z: UnsafeMutablePointer<Float>, count: Int) {
        switch self {
        case .sigmoid: applySigmoid(z, count: count)
        case .tanh: applyTanh(z, count: count)
        case .relu: applyRectifier(z, count: count)
        case .leakyReLU: applyLeakyRectifier(z, count: count)
        }
    }

    /// Errors of weighted inputs from errors of activations, in place.
    func multiplyBySlope(_ delta: UnsafeMutablePointer<Float>, activations: UnsafePointer<Float>, count: Int) {
        switch self {
        case .sigmoid: multiplyBySigmoidSlope(delta, activations: activations, count: count)
        case .tanh: multiplyByTanhSlope(delta, activations: activations, count: count)
        case .relu: multiplyByRectifierSlope(delta, activations: activations, count: count)
        case .leakyReLU: multiplyByLeakyRectifierSlope(delta, activations: activations, count: count)
        }
    }
}

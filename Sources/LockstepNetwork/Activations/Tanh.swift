import LockstepNumerics

extension Activation {
    /// The hyperbolic tangent of z.
    package static let tanh = Activation(
        "tanh", apply: applyTanh, multiplyBySlope: multiplyByTanhSlope, onnxOperator: ONNXOperator("Tanh"),
        javaScript: "Math.tanh")
}

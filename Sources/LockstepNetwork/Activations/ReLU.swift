import LockstepNumerics

extension Activation {
    /// max(z, 0).
    package static let relu = Activation(
        "relu", apply: applyRectifier, multiplyBySlope: multiplyByRectifierSlope, onnxOperator: ONNXOperator("Relu"),
        javaScript: "z => Math.max(z, 0)")

    /// z if it is positive, else 0.01 z.
    package static let leakyReLU = Activation(
        "leaky-relu", apply: applyLeakyRectifier, multiplyBySlope: multiplyByLeakyRectifierSlope,
        // The operator's default slope is 0.01, too.
        onnxOperator: ONNXOperator("LeakyRelu"), javaScript: "z => z > 0 ? z : 0.01 * z")
}

import LockstepNumerics

extension Activation {
    /// 1 / (1 + exp(-z)).
    package static let sigmoid = Activation(
        "sigmoid", apply: applySigmoid, multiplyBySlope: multiplyBySigmoidSlope, onnxOperator: ONNXOperator("Sigmoid"),
        javaScript: "z => 1 / (1 + Math.exp(-z))")
}

import LockstepNetwork
import Testing

@Suite("Activations")
struct ActivationTests {
    @Test("The registry finds each by its name, and no other")
    func registry() {
        #expect(Activation.allCases.map(\.rawValue) == ["sigmoid", "tanh", "relu", "leaky-relu"])
        for activation in Activation.allCases { #expect(Activation(rawValue: activation.rawValue) == activation) }
        #expect(Activation(rawValue: "step") == nil)
    }

    /// max(-z, 0), whose slope follows from the activation as well as from z.
    private static func mirroredRectifier(_ source: Activation.SlopeSource) -> Activation {
        Activation(
            "mirrored-relu", apply: { z, count in for i in 0..<count { z[i] = z[i] < 0 ? -z[i] : 0 } },
            multiplyBySlope: { delta, values, count in
                for i in 0..<count {
                    let isNegative = source == .weightedInput ? values[i] < 0 : values[i] > 0
                    delta[i] *= isNegative ? -1 : 0
                }
            }, slopeSource: source, onnxOperator: Activation.ONNXOperator("Relu"), javaScript: "")
    }

    @Test(
        "A slope that is computed from the weighted input gives the same bits", arguments: 1...5 as ClosedRange<UInt64>)
    func weightedInput(seed: UInt64) throws {
        func gradient(_ activation: Activation) throws -> [UInt32] {
            let kind = NetworkKind(activation: activation, initializer: .he)
            return try NetworkCase(sizes: [9, 40, 30, 4], rows: 70, seed: seed, kind: kind).gradient().gradient
                .map(\.bitPattern)
        }
        let expected = try gradient(Self.mirroredRectifier(.activation))
        #expect(try gradient(Self.mirroredRectifier(.weightedInput)) == expected)
        #expect(expected.contains { $0 << 1 != 0 }, "a gradient of zeros alone")
    }
}

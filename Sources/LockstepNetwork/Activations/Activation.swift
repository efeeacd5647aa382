/// What a hidden neuron does with its weighted input z: its name, its function, and how others compute it.
///
/// An activation is one file, and one row of the registry ``allCases``. The configuration, models, exports and the
/// documentation find it there by its name.
package struct Activation: RawRepresentable, CaseIterable, Codable, Hashable, Sendable {
    /// The registry: a row for each activation.
    package static let allCases: [Activation] = [.sigmoid, .tanh, .relu, .leakyReLU]

    /// What a slope is computed from.
    package enum SlopeSource: Sendable {
        /// From the activation f(z), which is there anyway.
        case activation
        /// From z, which is kept for it.
        case weightedInput
    }

    /// An operator of ONNX (github.com/onnx/onnx, docs/Operators.md).
    package struct ONNXOperator: Sendable {
        package let name: String
        /// The first version of the operator set that has it.
        package let version: Int64

        package init(_ name: String, version: Int64 = 13) {
            self.name = name
            self.version = version
        }
    }

    /// The name in configurations and models.
    package let rawValue: String
    /// Turns weighted inputs into activations, in place: `z = f(z)`, [count].
    let apply: @Sendable (_ z: UnsafeMutablePointer<Float>, _ count: Int) -> Void
    /// Turns errors of activations into errors of weighted inputs, in place: `delta *= f'(z)`, [count]; the second
    /// argument is what `slopeSource` says, [count].
    let multiplyBySlope:
        @Sendable (_ delta: UnsafeMutablePointer<Float>, _ source: UnsafePointer<Float>, _ count: Int) -> Void
    let slopeSource: SlopeSource
    package let onnxOperator: ONNXOperator
    /// A function of JavaScript from z to f(z).
    package let javaScript: String

    package init(
        _ name: String, apply: @escaping @Sendable (UnsafeMutablePointer<Float>, Int) -> Void,
        multiplyBySlope: @escaping @Sendable (UnsafeMutablePointer<Float>, UnsafePointer<Float>, Int) -> Void,
        slopeSource: SlopeSource = .activation, onnxOperator: ONNXOperator, javaScript: String
    ) {
        self.rawValue = name
        self.apply = apply
        self.multiplyBySlope = multiplyBySlope
        self.slopeSource = slopeSource
        self.onnxOperator = onnxOperator
        self.javaScript = javaScript
    }

    package init?(rawValue: String) {
        guard let known = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = known
    }
}

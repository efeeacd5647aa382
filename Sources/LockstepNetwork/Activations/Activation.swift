/// The activation function f of a hidden neuron, a = f(z) of its weighted input z: its name, its kernels, and its forms in
/// exports.
///
/// An activation is one file and one row of the registry ``allCases``. The configuration, models, exports and the
/// documentation look it up there by its name.
package struct Activation: RawRepresentable, CaseIterable, Codable, Hashable, Sendable {
    /// The registry: one row per activation.
    package static let allCases: [Activation] = [.sigmoid, .tanh, .relu, .leakyReLU]

    /// The argument of a slope's kernel.
    package enum SlopeSource: Sendable {
        /// The activation f(z), which the forward pass stores anyway.
        case activation
        /// The weighted input z, which the forward pass then stores as well.
        case weightedInput
    }

    /// An operator of ONNX (github.com/onnx/onnx, docs/Operators.md).
    package struct ONNXOperator: Sendable {
        package let name: String
        /// The first version of the operator set that includes it.
        package let version: Int64

        package init(_ name: String, version: Int64 = 13) {
            self.name = name
            self.version = version
        }
    }

    /// The name in configurations and models.
    package let rawValue: String
    /// Computes activations from weighted inputs, in place: `z = f(z)`, [count].
    let apply: @Sendable (_ z: UnsafeMutablePointer<Float>, _ count: Int) -> Void
    /// Computes the errors of weighted inputs from the errors of activations, in place: `delta *= f'(z)`, [count]. The
    /// second argument is f(z) or z, as `slopeSource` says, [count].
    let multiplyBySlope:
        @Sendable (_ delta: UnsafeMutablePointer<Float>, _ source: UnsafePointer<Float>, _ count: Int) -> Void
    let slopeSource: SlopeSource
    package let onnxOperator: ONNXOperator
    /// A JavaScript function from z to f(z).
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

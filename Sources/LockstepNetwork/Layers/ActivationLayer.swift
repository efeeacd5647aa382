package import LockstepCompute
package import LockstepConfiguration
import LockstepNumerics

/// An activation function as a layer of its own. Its name in the configuration is the function's: `relu`.
package struct ActivationLayer: LayerKind {
    package var function: Activation

    package init(_ function: Activation) {
        self.function = function
    }

    package static let name = "activation"
    package static let meaning = "an activation function of each value"
    package static let defaults = ActivationLayer(.sigmoid)
    package static let shortKey: String? = "function"
    package static let keys = [
        ConfigurationKey("function", \ActivationLayer.function, .word, "the activation function")
    ]

    package func outputShape(of input: Shape) throws(LayerProblem) -> Shape { input }

    package func memory(of input: Shape) -> Int {
        function.slopeSource == .weightedInput ? input.count * MemoryLayout<Float>.stride : 0
    }

    package func onnxNodes(of input: Shape) -> [ONNXNode] { [ONNXNode(function)] }

    package func javaScript(of input: Shape) -> JavaScriptLayer? {
        JavaScriptLayer("return a.map(activation);", constants: [("activation", function.javaScript)])
    }

    package func makeComputer(_ context: LayerContext) throws(ComputeError) -> any LayerComputer {
        ActivationComputer(function, context)
    }
}

/// The passes of an activation that no layer before it computes.
private final class ActivationComputer: LayerComputer {
    private let function: Activation
    private let context: LayerContext

    init(_ function: Activation, _ context: LayerContext) {
        self.function = function
        self.context = context
    }

    func forward(_ block: Block) {
        let count = block.rows * context.output.count
        context.destination.update(from: context.source, count: count)
        function.apply(context.destination, count)
    }

    func inputErrors(_ block: Block) {
        guard let inputErrors = context.inputErrors else { return }
        let count = block.rows * context.output.count
        inputErrors.update(from: context.outputErrors, count: count)
        let slopeSource = function.slopeSource == .activation ? context.destination : context.source
        function.multiplyBySlope(inputErrors, slopeSource, count)
    }
}

extension LayerContext {
    /// Memory for the weighted inputs of the activation that a layer computes too, [maximumRows, output.count]; nil if its
    /// slope is a function of the activation.
    func weightedInputs() -> FloatBuffer? {
        guard let activation, activation.slopeSource == .weightedInput else { return nil }
        return FloatBuffer(count: maximumRows * output.count)
    }
}

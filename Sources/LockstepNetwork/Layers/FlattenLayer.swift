package import LockstepCompute
package import LockstepConfiguration
import LockstepNumerics

/// Makes a list of values of an image: channels, then rows, then columns, as PyTorch does.
package struct FlattenLayer: LayerKind {
    package init() {}

    package static let name = "flatten"
    package static let meaning = "makes a list of values of an image: channels, rows, columns"
    package static let defaults = FlattenLayer()
    package static let keys: [ConfigurationKey<FlattenLayer>] = []

    package func outputShape(of input: Shape) throws(LayerProblem) -> Shape { .values(input.count) }

    package func blocksChannels(ofBlockedInput isBlocked: Bool) -> Bool { false }

    package func onnxNodes(of input: Shape) -> [ONNXNode] { [ONNXNode("Flatten")] }

    package func javaScript(of input: Shape) -> JavaScriptLayer? { nil }

    package func makeComputer(_ context: LayerContext) throws(ComputeError) -> any LayerComputer {
        FlattenComputer(context)
    }
}

/// The passes of a layer that only changes the order of values.
private final class FlattenComputer: LayerComputer {
    private let context: LayerContext

    init(_ context: LayerContext) {
        self.context = context
    }

    func forward(_ block: Block) {
        unblockImages(context.source, into: context.destination, context.input.images, rows: block.rows)
    }

    func inputErrors(_ block: Block) {
        guard let inputErrors = context.inputErrors else { return }
        blockImages(context.outputErrors, into: inputErrors, context.input.images, rows: block.rows)
    }
}

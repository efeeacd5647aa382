package import LockstepCompute
package import LockstepConfiguration
import LockstepNumerics

/// The mean of each channel: makes a list of values of an image.
package struct GlobalAveragePoolLayer: LayerKind {
    package init() {}

    package static let name = "global-average-pool"
    package static let meaning = "the mean of each channel"
    package static let defaults = GlobalAveragePoolLayer()
    package static let keys: [ConfigurationKey<GlobalAveragePoolLayer>] = []

    package func outputShape(of input: Shape) throws(LayerProblem) -> Shape {
        guard case .image(let channels, _, _) = input else { throw .readsImages }
        return .values(channels)
    }

    package func blocksChannels(ofBlockedInput isBlocked: Bool) -> Bool { false }

    package func onnxNodes(of input: Shape) -> [ONNXNode] { [ONNXNode("GlobalAveragePool"), ONNXNode("Flatten")] }

    package func javaScript(of input: Shape) -> JavaScriptLayer? {
        guard case .image(let channels, let rows, let columns) = input else { return nil }
        return JavaScriptLayer(
            """
            const z = new Float32Array(channels);
            for (let c = 0; c < channels; c++) {
                let sum = 0;
                for (let i = 0; i < area; i++) sum += a[c * area + i];
                z[c] = sum / area;
            }
            return z;
            """, constants: [("channels", "\(channels)"), ("area", "\(rows * columns)")])
    }

    package func makeComputer(_ context: LayerContext) throws(ComputeError) -> any LayerComputer {
        GlobalAveragePoolComputer(context)
    }
}

/// The passes of global average pooling.
private final class GlobalAveragePoolComputer: LayerComputer {
    private let context: LayerContext

    init(_ context: LayerContext) {
        self.context = context
    }

    func forward(_ block: Block) {
        globalAveragePool(context.source, context.input.images, rows: block.rows, into: context.destination)
    }

    func inputErrors(_ block: Block) {
        guard let inputErrors = context.inputErrors else { return }
        globalAveragePoolErrors(context.outputErrors, context.input.images, rows: block.rows, into: inputErrors)
    }
}

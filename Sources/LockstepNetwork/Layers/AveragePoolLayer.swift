package import LockstepCompute
import LockstepConfiguration
import LockstepNumerics

/// The mean of each window, channel by channel. Padding counts as zeros, as in PyTorch.
package struct AveragePoolLayer: PoolLayerKind {
    package var size: Extent
    /// The distance of the window's places; nil: the window's size.
    package var stride: Extent?
    package var padding: Padding

    package init(size: Extent, stride: Extent? = nil, padding: Padding = .none) {
        self.size = size
        self.stride = stride
        self.padding = padding
    }

    package static let name = "average-pool"
    package static let meaning = "the mean of a window that moves over the image, channel by channel"
    package static let meaningOfPadding = "zeros around the image, which count"

    package func onnxNodes(of input: Shape) -> [ONNXNode] {
        guard let window = try? geometry(input).window else { return [] }
        return [ONNXNode("AveragePool", attributes: window.onnxAttributes + [("count_include_pad", .integer(1))])]
    }

    package func javaScript(of input: Shape) -> JavaScriptLayer? {
        javaScript(of: input, start: "0", step: "value += x;", result: "value / (height * width)")
    }

    package func makeComputer(_ context: LayerContext) throws(ComputeError) -> any LayerComputer {
        AveragePoolComputer(pool(over: context.input.shape), context)
    }
}

/// The passes of average pooling.
private final class AveragePoolComputer: LayerComputer {
    private let window: PoolWindow
    private let context: LayerContext

    init(_ window: PoolWindow, _ context: LayerContext) {
        self.window = window
        self.context = context
    }

    func forward(_ block: Block) {
        averagePool(context.source, context.input.images, window, rows: block.rows, into: context.destination)
    }

    func inputErrors(_ block: Block) {
        guard let inputErrors = context.inputErrors else { return }
        averagePoolErrors(context.outputErrors, context.input.images, window, rows: block.rows, into: inputErrors)
    }
}

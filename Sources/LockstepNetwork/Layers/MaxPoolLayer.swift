package import LockstepCompute
import LockstepConfiguration
import LockstepNumerics

/// The largest value of each window, channel by channel.
package struct MaxPoolLayer: PoolLayerKind {
    package var size: Extent
    /// The distance of the window's places; nil: the window's size.
    package var stride: Extent?
    package var padding: Padding

    package init(size: Extent, stride: Extent? = nil, padding: Padding = .none) {
        self.size = size
        self.stride = stride
        self.padding = padding
    }

    package static let name = "max-pool"
    package static let meaning = "the largest value of a window that moves over the image, channel by channel"
    package static let meaningOfPadding = "pixels around the image, which are never the largest"

    package func memory(of input: Shape) -> Int {
        ((try? outputShape(of: input))?.count ?? 0) * MemoryLayout<Int32>.stride
    }

    package func onnxNodes(of input: Shape) -> [ONNXNode] {
        guard let window = try? geometry(input).window else { return [] }
        return [ONNXNode("MaxPool", attributes: window.onnxAttributes)]
    }

    package func javaScript(of input: Shape) -> JavaScriptLayer? {
        javaScript(of: input, start: "-Infinity", step: "value = Math.max(value, x);", result: "value")
    }

    package func makeComputer(_ context: LayerContext) throws(ComputeError) -> any LayerComputer {
        MaxPoolComputer(pool(over: context.input.shape), context)
    }
}

/// The passes of max pooling.
private final class MaxPoolComputer: LayerComputer {
    private let window: PoolWindow
    private let context: LayerContext
    /// Where each output came from, [maximumRows, output.count].
    private let winners: UnsafeMutablePointer<Int32>

    init(_ window: PoolWindow, _ context: LayerContext) {
        self.window = window
        self.context = context
        let count = context.maximumRows * context.output.count
        winners = .allocate(capacity: count)
        winners.initialize(repeating: 0, count: count)
    }

    deinit {
        winners.deallocate()
    }

    func forward(_ block: Block) {
        maxPool(
            context.source, context.input.images, window, rows: block.rows, into: context.destination,
            winners: winners)
    }

    func inputErrors(_ block: Block) {
        guard let inputErrors = context.inputErrors else { return }
        maxPoolErrors(
            context.outputErrors, winners: winners, context.input.images, window, rows: block.rows, into: inputErrors)
    }
}

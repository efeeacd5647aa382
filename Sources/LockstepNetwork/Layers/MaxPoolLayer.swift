package import LockstepCompute
package import LockstepConfiguration
import LockstepNumerics

/// The largest value of each window, channel by channel.
package struct MaxPoolLayer: LayerKind {
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
    package static let defaults = MaxPoolLayer(size: Extent(1))
    package static let shortKey: String? = "size"
    package static let keys = [
        ConfigurationKey("size", \MaxPoolLayer.size, Extent.format, example: "2", "rows and columns of the window"),
        ConfigurationKey(
            "stride", \MaxPoolLayer.stride, Extent.format.optional, default: "the size",
            "the distance of the window's places"),
        ConfigurationKey(
            "padding", \MaxPoolLayer.padding, Padding.format, "pixels around the image, which are never the largest"),
    ]

    package func outputShape(of input: Shape) throws(LayerProblem) -> Shape {
        let (channels, window) = try geometry(input)
        return .image(channels: channels, rows: window.output.rows, columns: window.output.columns)
    }

    package func memory(of input: Shape) -> Int {
        ((try? outputShape(of: input))?.count ?? 0) * MemoryLayout<Int32>.stride
    }

    package func onnxNodes(of input: Shape) -> [ONNXNode] {
        guard let window = try? geometry(input).window else { return [] }
        return [ONNXNode("MaxPool", attributes: window.onnxAttributes)]
    }

    package func javaScript(of input: Shape) -> JavaScriptLayer? {
        guard case .image(let channels, let rows, let columns) = input, let window = try? geometry(input).window else {
            return nil
        }
        return JavaScriptLayer(
            """
            const z = new Float32Array(channels * outputRows * outputColumns);
            for (let c = 0, to = 0; c < channels; c++) for (let y = 0; y < outputRows; y++) for (let x = 0; x < outputColumns; x++) {
                let largest = -Infinity;
                for (let v = y * down - top; v < y * down - top + height; v++) for (let u = x * right - left; u < x * right - left + width; u++) {
                    if (v >= 0 && v < rows && u >= 0 && u < columns) largest = Math.max(largest, a[(c * rows + v) * columns + u]);
                }
                z[to++] = largest;
            }
            return z;
            """, constants: window.javaScriptConstants(channels: channels, over: Extent(rows: rows, columns: columns)))
    }

    package func makeComputer(_ context: LayerContext) throws(ComputeError) -> any LayerComputer {
        guard let window = try? geometry(context.input.shape).window else {
            preconditionFailure("a pooling of no image")
        }
        return MaxPoolComputer(window.pool, context)
    }

    private func geometry(_ input: Shape) throws(LayerProblem) -> (channels: Int, window: Window) {
        try input.window(size: size, stride: stride ?? size, padding: padding)
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

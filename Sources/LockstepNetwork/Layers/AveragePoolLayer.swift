package import LockstepCompute
package import LockstepConfiguration
import LockstepNumerics

/// The mean of each window, channel by channel. Padding counts as zeros, as in PyTorch.
package struct AveragePoolLayer: LayerKind {
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
    package static let defaults = AveragePoolLayer(size: Extent(1))
    package static let shortKey: String? = "size"
    package static let keys = [
        ConfigurationKey("size", \AveragePoolLayer.size, Extent.format, example: "2", "rows and columns of the window"),
        ConfigurationKey(
            "stride", \AveragePoolLayer.stride, Extent.format.optional, default: "the size",
            "the distance of the window's places"),
        ConfigurationKey("padding", \AveragePoolLayer.padding, Padding.format, "zeros around the image, which count"),
    ]

    package func outputShape(of input: Shape) throws(LayerProblem) -> Shape {
        let (channels, window) = try geometry(input)
        return .image(channels: channels, rows: window.output.rows, columns: window.output.columns)
    }

    package func onnxNodes(of input: Shape) -> [ONNXNode] {
        guard let window = try? geometry(input).window else { return [] }
        return [ONNXNode("AveragePool", attributes: window.onnxAttributes + [("count_include_pad", .integer(1))])]
    }

    package func javaScript(of input: Shape) -> JavaScriptLayer? {
        guard case .image(let channels, let rows, let columns) = input, let window = try? geometry(input).window else {
            return nil
        }
        return JavaScriptLayer(
            """
            const z = new Float32Array(channels * outputRows * outputColumns);
            for (let c = 0, to = 0; c < channels; c++) for (let y = 0; y < outputRows; y++) for (let x = 0; x < outputColumns; x++) {
                let sum = 0;
                for (let v = y * down - top; v < y * down - top + height; v++) for (let u = x * right - left; u < x * right - left + width; u++) {
                    if (v >= 0 && v < rows && u >= 0 && u < columns) sum += a[(c * rows + v) * columns + u];
                }
                z[to++] = sum / (height * width);
            }
            return z;
            """, constants: window.javaScriptConstants(channels: channels, over: Extent(rows: rows, columns: columns)))
    }

    package func makeComputer(_ context: LayerContext) throws(ComputeError) -> any LayerComputer {
        guard let window = try? geometry(context.input.shape).window else {
            preconditionFailure("a pooling of no image")
        }
        return AveragePoolComputer(window.pool, context)
    }

    private func geometry(_ input: Shape) throws(LayerProblem) -> (channels: Int, window: Window) {
        try input.window(size: size, stride: stride ?? size, padding: padding)
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

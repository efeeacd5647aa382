package import LockstepConfiguration
import LockstepNumerics

/// A layer that makes one value of each window of a channel: what max and average pooling share.
package protocol PoolLayerKind: LayerKind {
    var size: Extent { get set }
    /// The distance of the window's places; nil: the window's size.
    var stride: Extent? { get set }
    var padding: Padding { get set }

    /// What pixels around the image are to the layer, for the documentation.
    static var meaningOfPadding: String { get }

    init(size: Extent, stride: Extent?, padding: Padding)
}

extension PoolLayerKind {
    package static var defaults: Self { Self(size: Extent(1), stride: nil, padding: .none) }
    package static var shortKey: String? { "size" }
    package static var keys: [ConfigurationKey<Self>] {
        [
            ConfigurationKey("size", \Self.size, Extent.format, example: "2", "rows and columns of the window"),
            ConfigurationKey(
                "stride", \Self.stride, Extent.format.optional, default: "the size",
                "the distance of the window's places"),
            ConfigurationKey("padding", \Self.padding, Padding.format, meaningOfPadding),
        ]
    }

    package func outputShape(of input: Shape) throws(LayerProblem) -> Shape {
        let (channels, window) = try geometry(input)
        return .image(channels: channels, rows: window.output.rows, columns: window.output.columns)
    }

    func geometry(_ input: Shape) throws(LayerProblem) -> (channels: Int, window: Window) {
        try input.window(size: size, stride: stride ?? size, padding: padding)
    }

    /// The window over an image that the layer is known to fit.
    func pool(over input: Shape) -> PoolWindow {
        guard let window = try? geometry(input).window else { preconditionFailure("a pooling of no image") }
        return window.pool
    }

    /// A loop over the windows' places in JavaScript.
    ///
    /// - Parameters:
    ///   - input: The shape of a sample before the layer.
    ///   - start: What the variable `value` is before a window.
    ///   - step: A statement that adds the pixel `x` to `value`.
    ///   - result: The output of a window, from `value`, `height` and `width`.
    /// - Returns: The layer; nil if the input is no image that it fits.
    func javaScript(of input: Shape, start: String, step: String, result: String) -> JavaScriptLayer? {
        guard case .image(let channels, let rows, let columns) = input, let window = try? geometry(input).window else {
            return nil
        }
        return JavaScriptLayer(
            """
            const z = new Float32Array(channels * outputRows * outputColumns);
            for (let c = 0, to = 0; c < channels; c++) for (let i = 0; i < outputRows; i++) for (let j = 0; j < outputColumns; j++) {
                let value = \(start);
                for (let v = i * down - top; v < i * down - top + height; v++) for (let u = j * right - left; u < j * right - left + width; u++) {
                    if (v < 0 || v >= rows || u < 0 || u >= columns) continue;
                    const x = a[(c * rows + v) * columns + u];
                    \(step)
                }
                z[to++] = \(result);
            }
            return z;
            """, constants: window.javaScriptConstants(channels: channels, over: Extent(rows: rows, columns: columns)))
    }
}

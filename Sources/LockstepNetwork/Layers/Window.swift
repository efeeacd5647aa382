import LockstepConfiguration
import LockstepNumerics

/// Rows and columns: of a filter, of a window, of a step.
package struct Extent: Codable, Hashable, Sendable {
    package var rows: Int
    package var columns: Int

    package init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
    }

    package init(_ size: Int) {
        self.init(rows: size, columns: size)
    }

    /// A number for a square, or rows and columns: `3` or `[3, 5]`.
    static let format = KeyFormat.integer(1...maximum).oneOrMore(
        limits: "1 to \(maximum), or rows and columns", expected: expected
    ).mapped(expected: expected) { (numbers: [Int]) -> Extent? in
        switch numbers.count {
        case 1: Extent(numbers[0])
        case 2: Extent(rows: numbers[0], columns: numbers[1])
        default: nil
        }
    } back: { (extent: Extent) -> [Int] in
        extent.rows == extent.columns ? [extent.rows] : [extent.rows, extent.columns]
    }

    static let maximum = 1_024
    private static let expected = "a whole number, or rows and columns, as in [3, 5]"
}

/// What an image is surrounded with before a window moves over it.
package enum Padding: Codable, Hashable, Sendable {
    /// Nothing: the window stays inside.
    case none
    /// As much as makes the output as large as the input divided by the stride, rounded up. If the amount is odd, there is one
    /// more at the bottom and on the right, as in ONNX's SAME_UPPER.
    case same
    /// So many pixels on each side.
    case pixels(Int)

    /// `none`, `same` or a number.
    static let format = KeyFormat<Padding>(
        limits: "`none`, `same`, or 0 to \(Extent.maximum)", expected: "none, same or a whole number",
        read: { text, isPlain in
            switch text {
            case "none", "valid": return Padding.none
            case "same": return same
            default: return isPlain ? Int(text).map(pixels) : nil
            }
        },
        write: { padding in
            switch padding {
            case .none: .scalar("none", isPlain: true)
            case .same: .scalar("same", isPlain: true)
            case .pixels(let count): .scalar("\(count)", isPlain: true)
            }
        },
        violation: { padding in
            guard case .pixels(let count) = padding else { return nil }
            return (0...Extent.maximum).contains(count) ? nil : "must be from 0 to \(Extent.maximum)"
        })
}

/// A window that moves over an image.
struct Window: Hashable {
    var size: Extent
    var stride: Extent
    /// Pixels around the image.
    var top: Int
    var left: Int
    var bottom: Int
    var right: Int
    /// The places of the window.
    var output: Extent

    /// The window as pooling knows it.
    var pool: PoolWindow {
        PoolWindow(
            height: size.rows, width: size.columns, strideRows: stride.rows, strideColumns: stride.columns,
            paddingTop: top, paddingLeft: left, paddingBottom: bottom, paddingRight: right)
    }

    /// - Parameters:
    ///   - size: The window's size.
    ///   - stride: The distance of its places.
    ///   - padding: What surrounds the image.
    ///   - image: The image's rows and columns.
    /// - Throws: ``LayerProblem`` if the window does not fit into the padded image, or padding is as large as the window.
    init(size: Extent, stride: Extent, padding: Padding, over image: Extent) throws(LayerProblem) {
        let vertical = try Self.axis(size.rows, stride.rows, padding, image.rows)
        let horizontal = try Self.axis(size.columns, stride.columns, padding, image.columns)
        self.size = size
        self.stride = stride
        (top, bottom, left, right) = (vertical.before, vertical.after, horizontal.before, horizontal.after)
        output = Extent(rows: vertical.places, columns: horizontal.places)
    }

    private static func axis(
        _ size: Int, _ stride: Int, _ padding: Padding, _ pixels: Int
    ) throws(LayerProblem) -> (before: Int, after: Int, places: Int) {
        let before: Int
        let after: Int
        switch padding {
        case .none: (before, after) = (0, 0)
        case .pixels(let count): (before, after) = (count, count)
        case .same:
            let places = (pixels + stride - 1) / stride
            let total = max(0, (places - 1) * stride + size - pixels)
            (before, after) = (total / 2, total - total / 2)
        }
        guard max(before, after) < size else {
            throw LayerProblem(
                "has a padding of \(max(before, after)), and a window of \(size) pixels: give less padding")
        }
        let padded = pixels + before + after
        guard padded >= size else {
            throw LayerProblem(
                "has a window of \(size) pixels, and the image before it has \(padded): give a smaller window or more padding"
            )
        }
        return (before, after, (padded - size) / stride + 1)
    }
}

extension Shape {
    /// The channels of an image, and a window that moves over it.
    ///
    /// - Throws: ``LayerProblem`` if this is no image, or the window does not fit.
    func window(
        size: Extent, stride: Extent, padding: Padding
    ) throws(LayerProblem) -> (channels: Int, window: Window) {
        guard case .image(let channels, let rows, let columns) = self else { throw .readsImages }
        let image = Extent(rows: rows, columns: columns)
        return (channels, try Window(size: size, stride: stride, padding: padding, over: image))
    }
}

import LockstepNumerics

/// The shape of one sample's values before or after a layer.
package enum Shape: Hashable, Sendable {
    /// A list of values.
    case values(Int)
    /// A picture: [channels, rows, columns].
    case image(channels: Int, rows: Int, columns: Int)

    /// The values of a sample.
    package var count: Int {
        switch self {
        case .values(let count): count
        case .image(let channels, let rows, let columns): channels * rows * columns
        }
    }

    /// The sizes of the dimensions, as in configurations: `[784]` or `[1, 28, 28]`.
    package var dimensions: [Int] {
        switch self {
        case .values(let count): [count]
        case .image(let channels, let rows, let columns): [channels, rows, columns]
        }
    }

    /// - Parameter dimensions: One size or three; nil results for other numbers of them, and for sizes that are not positive or
    ///   too large.
    package init?(_ dimensions: [Int]) {
        guard dimensions.allSatisfy((1...Architecture.maximumLayerSize).contains) else { return nil }
        switch dimensions.count {
        case 1: self = .values(dimensions[0])
        case 3: self = .image(channels: dimensions[0], rows: dimensions[1], columns: dimensions[2])
        default: return nil
        }
    }
}

/// The place of a block's activations in memory.
///
/// Images lie as [rows of the block, channels / lanes, rows, columns, lanes]: `lanes` channels of a pixel lie side by side, so
/// that a register holds them. The channels are padded to a multiple of the lanes. With one lane, this is the plain order
/// [rows of the block, channels, rows, columns].
struct ActivationLayout: Hashable {
    let shape: Shape
    /// 1, or the floats in a register.
    let lanes: Int

    init(_ shape: Shape, lanes: Int = 1) {
        self.shape = shape
        self.lanes = lanes
    }

    /// The number of floats of one sample, with padding.
    var count: Int { images.count }

    /// The layout as one of images; each value of a list is a channel of one pixel.
    var images: ImageShape {
        switch shape {
        case .values(let count): ImageShape(channels: count, height: 1, width: 1)
        case .image(let channels, let rows, let columns):
            ImageShape(channels: channels, height: rows, width: columns, lanes: lanes)
        }
    }
}

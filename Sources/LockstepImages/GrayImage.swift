/// A picture as ink: 0 is paper, 1 is the darkest ink, whichever of the two was bright in its file.
package struct GrayImage: Hashable, Sendable {
    /// Pixels of a picture, at most.
    package static let largestPixelCount = 1 << 26

    package let width: Int
    package let height: Int
    /// [height, width], row-major, 0...1.
    package var ink: [Float]

    /// A picture of this ink, [height, width], row-major.
    package init(width: Int, height: Int, ink: [Float]) {
        precondition(width > 0 && height > 0 && ink.count == width * height)
        self.width = width
        self.height = height
        self.ink = ink
    }

    /// An empty sheet.
    package init(width: Int, height: Int) {
        self.init(width: width, height: height, ink: [Float](repeating: 0, count: width * height))
    }

    /// A picture from brightnesses, [height, width], row-major, 255 the brightest.
    ///
    /// Most of a picture's edge is paper, so a bright edge means dark ink on bright paper; a dark one the reverse, as in
    /// MNIST.
    package init(width: Int, height: Int, brightness: [UInt8]) {
        var edge: [UInt8] = []
        for x in 0..<width { edge += [brightness[x], brightness[(height - 1) * width + x]] }
        for y in 0..<height { edge += [brightness[y * width], brightness[y * width + width - 1]] }
        edge.sort()
        let paperIsBright = edge[edge.count / 2] > 127
        self.init(
            width: width, height: height,
            ink: brightness.map { Float(paperIsBright ? 255 - $0 : $0) * (1 / 255) })
    }

    package subscript(x: Int, y: Int) -> Float {
        get { ink[y * width + x] }
        set { ink[y * width + x] = newValue }
    }

    /// The part of the picture inside these columns and rows.
    package func cropped(columns: Range<Int>, rows: Range<Int>) -> GrayImage {
        var part = GrayImage(width: columns.count, height: rows.count)
        for y in rows {
            for x in columns { part[x - columns.lowerBound, y - rows.lowerBound] = self[x, y] }
        }
        return part
    }

    /// The smallest columns and rows outside of which there is no more than `threshold` ink; nil for an empty sheet.
    package func boundingBox(threshold: Float) -> (columns: Range<Int>, rows: Range<Int>)? {
        var (left, right, top, bottom) = (width, -1, height, -1)
        for y in 0..<height {
            for x in 0..<width where self[x, y] > threshold {
                (left, right) = (min(left, x), max(right, x))
                (top, bottom) = (min(top, y), max(bottom, y))
            }
        }
        return right < 0 ? nil : (left..<right + 1, top..<bottom + 1)
    }
}

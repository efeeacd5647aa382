/// An image as ink: 0 is paper and 1 is the darkest ink, whether the file has dark ink or bright ink.
package struct GrayImage: Hashable, Sendable {
    /// The largest number of pixels.
    package static let largestPixelCount = 1 << 26

    package let width: Int
    package let height: Int
    /// [height, width], row-major, 0...1.
    package var ink: [Float]

    /// Makes an image of this ink, [height, width], row-major.
    package init(width: Int, height: Int, ink: [Float]) {
        precondition(width > 0 && height > 0 && ink.count == width * height)
        self.width = width
        self.height = height
        self.ink = ink
    }

    /// Makes an empty sheet.
    package init(width: Int, height: Int) {
        self.init(width: width, height: height, ink: [Float](repeating: 0, count: width * height))
    }

    /// Makes an image from brightnesses, [height, width], row-major; 255 is the brightest.
    ///
    /// Most of an image's edge is paper: a bright edge means dark ink on bright paper, a dark edge the reverse, as in
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

    /// The part of the image inside these columns and rows.
    func cropped(columns: Range<Int>, rows: Range<Int>) -> GrayImage {
        var part = GrayImage(width: columns.count, height: rows.count)
        for y in rows {
            for x in columns { part[x - columns.lowerBound, y - rows.lowerBound] = self[x, y] }
        }
        return part
    }

    /// The smallest range of columns and rows that holds all pixels with more than `threshold` ink; nil if there are none.
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

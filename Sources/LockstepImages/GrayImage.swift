/// An image as ink: 0 is paper and 1 is the darkest ink, whether the file has dark ink or bright ink.
package struct GrayImage: Hashable, Sendable {
    /// The largest number of pixels.
    package static let largestPixelCount = 1 << 26

    package let width: Int
    package let height: Int
    /// [height, width], row-major, 0...1.
    package var ink: [Float]
    /// Whether this is a sample of a data set, which a network reads as it is.
    package var isSample = false

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
    /// Paper and ink are measured (`InkMeasurement`); without contrast the sheet is empty. A picture of more than two million
    /// pixels is reduced.
    package init(width: Int, height: Int, brightness: [UInt8]) {
        let picture = BrightnessMap(width: width, height: height, brightness: brightness)
        self = InkMeasurement.ink(of: picture.reduced(to: InkMeasurement.pixelLimit))
    }

    /// Whether there is any ink.
    package var hasInk: Bool { ink.contains { $0 > DigitPreparation.paper } }

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

import LockstepData

/// A decoded picture: the brightness of each pixel and, if it has one, its opacity.
struct BrightnessMap {
    let width: Int
    let height: Int
    /// [height, width], row-major; 0 is black and 255 is white.
    var brightness: [UInt8]

    init(width: Int, height: Int, brightness: [UInt8]) {
        precondition(width > 0 && height > 0 && brightness.count == width * height)
        self.width = width
        self.height = height
        self.brightness = brightness
    }

    /// Puts a picture with transparent parts on a sheet on which its ink can be seen.
    ///
    /// If what is opaque has one brightness, as ink that was drawn on nothing has, the sheet is black or white, whichever is
    /// further from the ink. Otherwise the opaque part is a picture with its own paper, and the sheet has the paper's
    /// brightness: the median of the opaque pixels.
    init(width: Int, height: Int, brightness: [UInt8], opacity: [UInt8]) {
        var counts = [Int](repeating: 0, count: 256)
        for (value, opacity) in zip(brightness, opacity) where opacity > 127 { counts[Int(value)] += 1 }
        let total = counts.reduce(0, +)
        func quantile(_ share: Double) -> Int {
            var seen = 0
            for (value, count) in counts.enumerated() {
                seen += count
                if Double(seen) > share * Double(total) { return value }
            }
            return 255
        }
        let (low, middle, high) = (quantile(0.02), quantile(0.5), quantile(0.98))
        let sheet = high - low >= 64 ? middle : middle > 127 ? 0 : 255
        var mixed = brightness
        for (index, opacity) in opacity.enumerated() {
            let (ink, paper) = (Int(brightness[index]) * Int(opacity), sheet * (255 - Int(opacity)))
            mixed[index] = UInt8((ink + paper + 127) / 255)
        }
        self.init(width: width, height: height, brightness: mixed)
    }

    /// Checks the size that a file's header states, before anything of this size is allocated.
    ///
    /// - Throws: `DataError` if there are no pixels, or more than ``GrayImage/largestPixelCount``.
    static func checkSize(_ width: Int, _ height: Int, _ path: String) throws(DataError) {
        guard width > 0, height > 0 else { throw DataError(.damagedImage("it has no pixels"), subject: path) }
        guard width <= GrayImage.largestPixelCount / height else {
            throw DataError(
                .tooLarge(
                    what: "the number of pixels", found: width.multipliedReportingOverflow(by: height).partialValue,
                    limit: GrayImage.largestPixelCount),
                subject: path)
        }
    }

    subscript(x: Int, y: Int) -> UInt8 { brightness[y * width + x] }

    /// The picture as it is meant to be seen, from the orientation in which a camera has stored it.
    func oriented(_ orientation: ExifOrientation) -> BrightnessMap {
        guard orientation != .upright else { return self }
        let (newWidth, newHeight) = orientation.swapsSides ? (height, width) : (width, height)
        var turned = [UInt8](repeating: 0, count: brightness.count)
        for y in 0..<newHeight {
            for x in 0..<newWidth {
                let (sourceX, sourceY) = orientation.source(ofX: x, y: y, width: width, height: height)
                turned[y * newWidth + x] = self[sourceX, sourceY]
            }
        }
        return BrightnessMap(width: newWidth, height: newHeight, brightness: turned)
    }

    /// The picture with at most this many pixels: each new pixel is the mean of a square of old ones.
    func reduced(to pixelLimit: Int) -> BrightnessMap {
        var factor = 1
        while (width / factor) * (height / factor) > pixelLimit { factor += 1 }
        guard factor > 1, width >= factor, height >= factor else { return self }
        let (newWidth, newHeight) = (width / factor, height / factor)
        var means = [UInt8](repeating: 0, count: newWidth * newHeight)
        for y in 0..<newHeight {
            for x in 0..<newWidth {
                var sum = factor * factor / 2
                for row in y * factor..<(y + 1) * factor {
                    let start = row * width + x * factor
                    for pixel in start..<start + factor { sum += Int(brightness[pixel]) }
                }
                means[y * newWidth + x] = UInt8(sum / (factor * factor))
            }
        }
        return BrightnessMap(width: newWidth, height: newHeight, brightness: means)
    }
}

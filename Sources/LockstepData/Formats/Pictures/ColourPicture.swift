import CJPEG
import CPNG

/// A picture as its file has it: grey or coloured.
package struct ColourPicture: Hashable, Sendable {
    package let width: Int
    package let height: Int
    /// 1 for grey; 3 for red, green and blue.
    package let channels: Int
    /// [height, width, channels], row-major; 255 is the brightest.
    package let pixels: [UInt8]

    /// The largest number of pixels.
    package static let largestPixelCount = 1 << 26
    private static let largestFile = 1 << 28

    /// Makes a picture of these pixels.
    package init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0 && pixels.count == width * height * channels)
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }

    /// Reads a PNG or a JPEG file, and turns it as its camera was held. What is transparent becomes white.
    ///
    /// Total, and in bounded memory: sizes are checked before anything is decoded.
    ///
    /// - Parameter path: The file; its first bytes, not its name, determine the format.
    /// - Throws: ``DataError`` that names the file and the fault.
    package init(path: String) throws(DataError) {
        let file = try InputFile(path: path)
        guard file.size <= Self.largestFile else {
            throw DataError(
                .tooLarge(what: "the file's size", found: file.size, limit: Self.largestFile), subject: path)
        }
        let bytes = try file.content()
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
            self = try Self.png(bytes, path).oriented(ExifOrientation.ofPNG(bytes))
        } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = try Self.jpeg(bytes, path).oriented(ExifOrientation.ofJPEG(bytes))
        } else {
            throw DataError(.unknownImageFormat, subject: path, remedy: "give a PNG or a JPEG")
        }
    }

    private static func checkSize(_ width: Int, _ height: Int, _ path: String) throws(DataError) {
        guard width > 0, height > 0 else { throw DataError(.damagedImage("it has no pixels"), subject: path) }
        guard width <= largestPixelCount / height else {
            throw DataError(
                .tooLarge(
                    what: "the number of pixels", found: width.multipliedReportingOverflow(by: height).partialValue,
                    limit: largestPixelCount), subject: path)
        }
    }

    private static func text<Bytes>(_ message: Bytes) -> String {
        withUnsafeBytes(of: message) { bytes in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static func png(_ bytes: [UInt8], _ path: String) throws(DataError) -> ColourPicture {
        var picture = png_image()
        picture.version = UInt32(PNG_IMAGE_VERSION)
        defer { png_image_free(&picture) }
        let begins = bytes.withUnsafeBytes {
            png_image_begin_read_from_memory(&picture, $0.baseAddress, $0.count) != 0
        }
        guard begins else { throw DataError(.damagedImage(text(picture.message)), subject: path) }
        let (width, height) = (Int(picture.width), Int(picture.height))
        try checkSize(width, height, path)
        let isColoured = picture.format & PNG_FORMAT_FLAG_COLOR != 0
        picture.format = isColoured ? UInt32(PNG_FORMAT_FLAG_COLOR) : 0
        let channels = isColoured ? 3 : 1
        var pixels = [UInt8](repeating: 0, count: width * height * channels)
        var white = png_color(red: 255, green: 255, blue: 255)
        // libpng still reads the file's bytes here.
        let isWhole = withExtendedLifetime(bytes) {
            bytes.withUnsafeBytes { bytes in
                picture.opaque == nil || bytes.count == 0
                    ? false : png_image_finish_read(&picture, &white, &pixels, Int32(width * channels), nil) != 0
            }
        }
        guard isWhole else { throw DataError(.damagedImage(text(picture.message)), subject: path) }
        return ColourPicture(width: width, height: height, channels: channels, pixels: pixels)
    }

    private static func jpeg(_ bytes: [UInt8], _ path: String) throws(DataError) -> ColourPicture {
        var jpeg = lockstep_jpeg()
        guard lockstep_jpeg_read_size(bytes, bytes.count, &jpeg) != 0 else {
            throw DataError(.damagedImage(text(jpeg.message)), subject: path)
        }
        let (width, height) = (Int(jpeg.width), Int(jpeg.height))
        try checkSize(width, height, path)
        let channels = jpeg.components == 3 ? 3 : 1
        var pixels = [UInt8](repeating: 0, count: width * height * channels)
        let isWhole =
            channels == 3
            ? lockstep_jpeg_decode_rgb(bytes, bytes.count, &pixels, &jpeg)
            : lockstep_jpeg_decode(bytes, bytes.count, &pixels, &jpeg)
        guard isWhole != 0 else { throw DataError(.damagedImage(text(jpeg.message)), subject: path) }
        return ColourPicture(width: width, height: height, channels: channels, pixels: pixels)
    }

    private func oriented(_ orientation: ExifOrientation) -> ColourPicture {
        guard orientation != .upright else { return self }
        let (newWidth, newHeight) = orientation.swapsSides ? (height, width) : (width, height)
        var turned = [UInt8](repeating: 0, count: pixels.count)
        for y in 0..<newHeight {
            for x in 0..<newWidth {
                let (sourceX, sourceY) = orientation.source(ofX: x, y: y, width: width, height: height)
                for channel in 0..<channels {
                    turned[(y * newWidth + x) * channels + channel] =
                        pixels[(sourceY * width + sourceX) * channels + channel]
                }
            }
        }
        return ColourPicture(width: newWidth, height: newHeight, channels: channels, pixels: turned)
    }
}

/// How pictures become samples: the size and the channels that a network reads. Models keep it.
package struct PicturePreparation: Codable, Hashable, Sendable {
    package var rows: Int
    package var columns: Int
    /// 1 for grey; 3 for red, green and blue.
    package var channels: Int

    package init(rows: Int, columns: Int, channels: Int) {
        self.rows = rows
        self.columns = columns
        self.channels = channels
    }

    /// The largest side of a sample.
    package static let largestSide = 4_096

    /// Values of a sample.
    package var inputSize: Int { rows * columns * channels }

    /// Whether the sizes are possible, of a file that someone else may have written.
    package var isConsistent: Bool {
        (1...Self.largestSide).contains(rows) && (1...Self.largestSide).contains(columns) && [1, 3].contains(channels)
    }

    /// The values of a sample, [channels, rows, columns], 0 to 255.
    ///
    /// The picture is scaled to the sample's size, without regard to its proportions: each new pixel is the mean of the old pixels
    /// that it covers, weighted by area. Grey is 0.299 red + 0.587 green + 0.114 blue, as in JPEG.
    package func sample(of picture: ColourPicture) -> [UInt8] {
        let (across, down) = (
            Self.shares(from: picture.width, to: columns), Self.shares(from: picture.height, to: rows)
        )
        var sample = [UInt8](repeating: 0, count: inputSize)
        for channel in 0..<channels {
            for (y, rowShares) in down.enumerated() {
                for (x, columnShares) in across.enumerated() {
                    var sum = 0.0
                    for (sourceY, rowShare) in rowShares {
                        for (sourceX, share) in columnShares {
                            sum += value(of: picture, sourceX, sourceY, channel) * share * rowShare
                        }
                    }
                    sample[(channel * rows + y) * columns + x] = UInt8(min(255, max(0, (sum + 0.5).rounded(.down))))
                }
            }
        }
        return sample
    }

    private func value(of picture: ColourPicture, _ x: Int, _ y: Int, _ channel: Int) -> Double {
        let place = (y * picture.width + x) * picture.channels
        if picture.channels == 1 { return Double(picture.pixels[place]) }
        if channels == 3 { return Double(picture.pixels[place + channel]) }
        return 0.299 * Double(picture.pixels[place]) + 0.587 * Double(picture.pixels[place + 1]) + 0.114
            * Double(picture.pixels[place + 2])
    }

    /// For each new pixel of a line: the old pixels that it covers, and their shares of it, which add up to 1.
    private static func shares(from old: Int, to new: Int) -> [[(Int, Double)]] {
        let length = Double(old) / Double(new)
        return (0..<new).map { index in
            let (start, end) = (Double(index) * length, Double(index + 1) * length)
            return (Int(start)..<min(old, max(Int(start) + 1, Int(end.rounded(.up))))).compactMap { source in
                let covered = min(end, Double(source + 1)) - max(start, Double(source))
                return covered > 0 ? (source, covered / length) : nil
            }
        }
    }
}

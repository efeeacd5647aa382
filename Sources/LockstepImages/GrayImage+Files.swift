import CPNG
package import LockstepData

extension GrayImage {
    /// Reads the images of a file: PNG or PGM (one image each), or an IDX file of images.
    ///
    /// Total, and in bounded memory: sizes are checked before anything is decoded.
    ///
    /// - Parameter path: The file; its first bytes, not its name, determine the format.
    /// - Returns: At least one image.
    /// - Throws: ``DataError`` that names the file and the fault.
    package static func load(_ path: String) throws(DataError) -> [GrayImage] {
        let file = try InputFile(path: path)
        guard file.size <= largestFile else {
            throw DataError(.tooLarge(what: "the file's size", found: file.size, limit: largestFile), subject: path)
        }
        if try file.startsWithGzipMagic() { return try idx(path) }
        let bytes = try file.content()
        switch Array(bytes.prefix(4)) {
        case [0x89, 0x50, 0x4E, 0x47]: return [try png(bytes, path)]
        case let start where start.starts(with: [0x50, 0x35]) || start.starts(with: [0x50, 0x32]):
            return [try pgm(bytes, path)]
        case [0, 0, 8, 3]: return try idx(path)
        default: throw DataError(.unknownImageFormat, subject: path)
        }
    }

    private static let largestFile = 1 << 28

    /// Decodes a PNG with libpng; colours become grey, transparency becomes white paper.
    private static func png(_ bytes: [UInt8], _ path: String) throws(DataError) -> GrayImage {
        let result: Result<GrayImage, DataError> = bytes.withUnsafeBytes { bytes in
            do throws(DataError) { return .success(try decodePNG(bytes, path)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private static func decodePNG(_ bytes: UnsafeRawBufferPointer, _ path: String) throws(DataError) -> GrayImage {
        var picture = png_image()
        picture.version = UInt32(PNG_IMAGE_VERSION)
        defer { png_image_free(&picture) }
        guard png_image_begin_read_from_memory(&picture, bytes.baseAddress, bytes.count) != 0 else {
            throw DataError(.damagedImage(message(picture)), subject: path)
        }
        let (width, height) = (Int(picture.width), Int(picture.height))
        try checkSize(width, height, path)
        picture.format = UInt32(PNG_FORMAT_GRAY)
        var brightness = [UInt8](repeating: 0, count: width * height)
        var paper = png_color(red: 255, green: 255, blue: 255)
        guard png_image_finish_read(&picture, &paper, &brightness, Int32(width), nil) != 0 else {
            throw DataError(.damagedImage(message(picture)), subject: path)
        }
        return GrayImage(width: width, height: height, brightness: brightness)
    }

    private static func message(_ picture: png_image) -> String {
        withUnsafeBytes(of: picture.message) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// Decodes a plain or raw greymap (Netpbm, pgm(5)) of at most 8 bits.
    private static func pgm(_ bytes: [UInt8], _ path: String) throws(DataError) -> GrayImage {
        var position = 2
        func damaged(_ text: String) -> DataError {
            DataError(.damagedImage(text), subject: path, offset: position)
        }
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        func number(limit: Int) throws(DataError) -> Int {
            while position < bytes.count, isSpace(bytes[position]) || bytes[position] == UInt8(ascii: "#") {
                if bytes[position] == UInt8(ascii: "#") {
                    while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
                } else {
                    position += 1
                }
            }
            var value = 0
            let start = position
            while position < bytes.count, (0x30...0x39).contains(bytes[position]) {
                value = value * 10 + Int(bytes[position] - 0x30)
                guard value <= limit else { throw damaged("a number above \(limit)") }
                position += 1
            }
            guard position > start else { throw damaged("a number is missing") }
            return value
        }
        let width = try number(limit: 1 << 20)
        let height = try number(limit: 1 << 20)
        try checkSize(width, height, path)
        let maximum = try number(limit: 255)
        guard maximum > 0 else { throw damaged("the largest value is 0") }
        var brightness = [UInt8](repeating: 0, count: width * height)
        if bytes[1] == UInt8(ascii: "5") {
            position += 1
            guard bytes.count - position >= brightness.count else { throw damaged("it ends early") }
        }
        for index in brightness.indices {
            let value: Int
            if bytes[1] == UInt8(ascii: "5") {
                value = Int(bytes[position])
                position += 1
            } else {
                value = try number(limit: maximum)
            }
            brightness[index] = UInt8(min(value, maximum) * 255 / maximum)
        }
        return GrayImage(width: width, height: height, brightness: brightness)
    }

    /// Reads images as a data set holds them: ink is bright.
    private static func idx(_ path: String) throws(DataError) -> [GrayImage] {
        let reader = try IDXReader(path: path, kind: .images)
        let (rows, columns) = (reader.header.rows, reader.header.columns)
        guard reader.header.payloadSize <= largestPixelCount else {
            throw DataError(
                .tooLarge(what: "the size of all images", found: reader.header.payloadSize, limit: largestPixelCount),
                subject: path)
        }
        var bytes = [UInt8](repeating: 0, count: reader.header.payloadSize)
        let result: Result<Void, DataError> = bytes.withUnsafeMutableBytes { buffer in
            do throws(DataError) { return .success(try reader.read(into: buffer)) } catch { return .failure(error) }
        }
        try result.get()
        let size = rows * columns
        return (0..<reader.header.count).map { index in
            GrayImage(
                width: columns, height: rows,
                ink: bytes[index * size..<(index + 1) * size].map { Float($0) * (1 / 255) })
        }
    }

    private static func checkSize(_ width: Int, _ height: Int, _ path: String) throws(DataError) {
        guard width > 0, height > 0 else { throw DataError(.damagedImage("it has no pixels"), subject: path) }
        guard width <= largestPixelCount / height else {
            throw DataError(
                .tooLarge(what: "the number of pixels", found: width * height, limit: largestPixelCount),
                subject: path)
        }
    }
}

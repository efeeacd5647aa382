package import LockstepData

extension GrayImage {
    /// Reads the images of a file: PNG, JPEG or PGM (one image each), or an IDX file of images.
    ///
    /// Total, and in bounded memory: sizes are checked before anything is decoded. Paper and ink of a picture are measured
    /// (`InkMeasurement`); images of an IDX file are ink as they are.
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
        case [0x89, 0x50, 0x4E, 0x47]: return [try measured(PNGFile.decode(bytes, path))]
        case let start where start.starts(with: [0xFF, 0xD8, 0xFF]): return [try measured(JPEGFile.decode(bytes, path))]
        case let start where start.starts(with: [0x50, 0x35]) || start.starts(with: [0x50, 0x32]):
            return [try measured(PGMFile.decode(bytes, path))]
        case [0, 0, 8, 3]: return try idx(path)
        default: throw DataError(.unknownImageFormat, subject: path)
        }
    }

    private static let largestFile = 1 << 28

    private static func measured(_ picture: BrightnessMap) -> GrayImage {
        InkMeasurement.ink(of: picture.reduced(to: InkMeasurement.pixelLimit))
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
            var image = GrayImage(
                width: columns, height: rows,
                ink: bytes[index * size..<(index + 1) * size].map { Float($0) * (1 / 255) })
            image.isSample = true
            return image
        }
    }
}

import Glibc

/// The content of a file, uncompressed, read once from front to back.
///
/// A gzip file is told by its first two bytes, whatever its name, and inflated on the way to the destination.
final class ContentReader {
    /// The file, as errors name it.
    let path: String
    /// Bytes delivered so far.
    private(set) var offset = 0
    /// The size of the content; nil where only inflating it would tell.
    let size: Int?

    private let file: InputFile
    private let inflater: Inflater?

    /// Opens a regular file.
    ///
    /// - Throws: ``DataError`` if there is no such file, it is something else, or it cannot be read.
    init(path: String) throws(DataError) {
        self.path = path
        file = try InputFile(path: path)
        if try file.startsWithGzipMagic() {
            inflater = try Inflater(file: file)
            size = nil
        } else {
            inflater = nil
            size = file.size
        }
    }

    /// Fills `destination`, or as much of it as there is content left.
    ///
    /// - Returns: the number of bytes delivered, less than asked for only at the content's end.
    func read(into destination: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
        var filled = 0
        while filled < destination.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: destination[filled...])
            let count = if let inflater { try inflater.inflate(into: rest) } else { try file.read(into: rest) }
            if count == 0 { break }
            filled += count
        }
        offset += filled
        return filled
    }

    /// True where no content is left.
    func isAtEnd() throws(DataError) -> Bool {
        var byte: UInt8 = 0
        let result: Result<Int, DataError> = withUnsafeMutableBytes(of: &byte) { buffer in
            do throws(DataError) { return .success(try read(into: buffer)) } catch { return .failure(error) }
        }
        return try result.get() == 0
    }
}

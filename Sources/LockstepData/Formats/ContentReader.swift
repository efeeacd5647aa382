import Glibc

/// Reads a file's uncompressed content once, from front to back.
///
/// A gzip file is recognised by its first two bytes, not by its name, and inflated directly to the destination.
final class ContentReader {
    /// The file's path, as errors name it.
    let path: String
    /// The number of bytes read so far.
    private(set) var offset = 0
    /// The size of the content; nil for a gzip file, whose size is known only after inflating.
    let size: Int?

    private let file: InputFile
    private let inflater: Inflater?

    /// Opens a regular file.
    ///
    /// - Throws: ``DataError`` if there is no such file, it is not a regular file, or it cannot be read.
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

    /// Reads until `destination` is full or the content ends.
    ///
    /// - Returns: The number of bytes read.
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

    /// Whether all content has been read.
    func isAtEnd() throws(DataError) -> Bool {
        var byte: UInt8 = 0
        let result: Result<Int, DataError> = withUnsafeMutableBytes(of: &byte) { buffer in
            do throws(DataError) { return .success(try read(into: buffer)) } catch { return .failure(error) }
        }
        return try result.get() == 0
    }
}

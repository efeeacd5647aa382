import CZlib
import LockstepText

/// The arrays of a numpy archive: a zip file (PKWARE's APPNOTE 6.3) of numpy files, as `numpy.savez` writes it.
///
/// Total, and in bounded memory: the directory bounds the number of arrays, a header bounds an array, and a compressed array is
/// allocated only if deflate can make so many bytes of it.
struct NPZFileReader {
    private struct Entry {
        let name: String
        let isDeflated: Bool
        /// CRC-32 of the content.
        let checksum: Int
        let compressedSize: Int
        let size: Int
        let offset: Int
    }

    static let magic: [UInt8] = [0x50, 0x4B, 0x03, 0x04]
    private static let largestEntryCount = 1_000
    private static let largestFile = 1 << 32
    /// Deflate makes at most so many bytes of one.
    private static let largestRatio = 1_032

    private let bytes: [UInt8]
    private let path: String
    private let entries: [Entry]

    /// Reads a file's directory.
    init(path: String) throws(DataError) {
        let file = try InputFile(path: path)
        guard file.size <= Self.largestFile else {
            throw DataError(
                .tooLarge(what: "the file's size", found: file.size, limit: Self.largestFile), subject: path)
        }
        self.path = path
        bytes = try file.content()
        entries = try Self.directory(of: bytes, path)
    }

    /// The names of the arrays, without `.npy`, in the file's order.
    var names: [String] { entries.map(\.name) }

    /// Reads the array with this name.
    ///
    /// - Returns: The array; nil if there is none.
    func array(_ name: String) throws(DataError) -> NumericArray? {
        guard let entry = entries.first(where: { $0.name == name }) else { return nil }
        let subject = "\(path), array '\(name.printable(limit: 60))'"
        let content = try content(of: entry, subject)
        let checksum = content.withUnsafeBufferPointer { Int(crc32_z(0, $0.baseAddress, $0.count)) }
        guard checksum == entry.checksum else {
            throw DataError(
                .malformedArray("its bytes do not have their checksum"), subject: subject, remedy: "copy it again")
        }
        let header = try NPYHeader(content[...], subject: subject)
        guard content.count - header.byteCount == header.payloadSize else {
            throw DataError(
                .truncated(declared: header.byteCount + header.payloadSize, found: content.count), subject: subject)
        }
        return NumericArray(header, bytes: Array(content[header.byteCount...]))
    }

    // MARK: - Zip

    private static func malformed(_ text: String, _ path: String) -> DataError {
        DataError(.malformedArray("not an archive of numpy arrays: \(text)"), subject: path)
    }

    /// A number of `count` bytes, little-endian; nil beyond the end.
    private static func number(_ bytes: [UInt8], at position: Int, _ count: Int) -> Int? {
        guard position >= 0, position <= bytes.count - count else { return nil }
        var value: UInt64 = 0
        for index in (0..<count).reversed() { value = value << 8 | UInt64(bytes[position + index]) }
        return Int(exactly: value)
    }

    private static func directory(of bytes: [UInt8], _ path: String) throws(DataError) -> [Entry] {
        // The end record is followed by a comment of at most 65,535 bytes.
        let first = max(0, bytes.count - 22 - 65_535)
        let end = stride(from: bytes.count - 22, through: first, by: -1).first {
            bytes[$0...].starts(with: [0x50, 0x4B, 0x05, 0x06])
        }
        guard let end, let count = number(bytes, at: end + 10, 2), var position = number(bytes, at: end + 16, 4) else {
            throw malformed("it has no directory", path)
        }
        guard count <= largestEntryCount else {
            throw DataError(
                .tooLarge(what: "the number of arrays", found: count, limit: largestEntryCount), subject: path)
        }
        var entries: [Entry] = []
        for _ in 0..<count {
            guard number(bytes, at: position, 4) == 0x0201_4B50, let method = number(bytes, at: position + 10, 2),
                let flags = number(bytes, at: position + 8, 2), let checksum = number(bytes, at: position + 16, 4),
                let compressed = number(bytes, at: position + 20, 4),
                let size = number(bytes, at: position + 24, 4), let nameLength = number(bytes, at: position + 28, 2),
                let extraLength = number(bytes, at: position + 30, 2),
                let commentLength = number(bytes, at: position + 32, 2),
                let offset = number(bytes, at: position + 42, 4),
                position + 46 + nameLength + extraLength + commentLength <= bytes.count
            else { throw malformed("its directory is damaged", path) }
            let name = String(decoding: bytes[position + 46..<position + 46 + nameLength], as: UTF8.self)
            guard flags & 1 == 0, method == 0 || method == 8 else {
                throw malformed(
                    "'\(name.printable(limit: 60))' is encrypted, or compressed otherwise than by deflate", path)
            }
            guard compressed != 0xFFFF_FFFF, size != 0xFFFF_FFFF, offset != 0xFFFF_FFFF else {
                throw malformed("'\(name.printable(limit: 60))' has 4 GiB or more", path)
            }
            if name.hasSuffix(".npy") {
                entries.append(
                    Entry(
                        name: String(name.dropLast(4)), isDeflated: method == 8, checksum: checksum,
                        compressedSize: compressed, size: size,
                        offset: offset))
            }
            position += 46 + nameLength + extraLength + commentLength
        }
        guard !entries.isEmpty else { throw malformed("it holds no .npy file", path) }
        return entries
    }

    private func content(of entry: Entry, _ subject: String) throws(DataError) -> [UInt8] {
        guard Self.number(bytes, at: entry.offset, 4) == 0x0403_4B50,
            let nameLength = Self.number(bytes, at: entry.offset + 26, 2),
            let extraLength = Self.number(bytes, at: entry.offset + 28, 2),
            case let start = entry.offset + 30 + nameLength + extraLength,
            start <= bytes.count - entry.compressedSize
        else { throw Self.malformed("'\(entry.name.printable(limit: 60))' lies beyond its end", path) }
        let stored = bytes[start..<start + entry.compressedSize]
        guard entry.isDeflated else {
            guard entry.size == entry.compressedSize else { throw Self.malformed("its directory is damaged", path) }
            return Array(stored)
        }
        guard entry.size <= (entry.compressedSize + 1) * Self.largestRatio else {
            throw DataError(.truncated(declared: entry.size, found: entry.compressedSize), subject: subject)
        }
        return try Self.inflate(stored, size: entry.size, subject)
    }

    /// Inflates a raw deflate stream of which the directory says the size.
    private static func inflate(
        _ compressed: ArraySlice<UInt8>, size: Int, _ subject: String
    ) throws(DataError) -> [UInt8] {
        var content = [UInt8](repeating: 0, count: size)
        // At a fixed address, because zlib's state points back to it.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        let status = compressed.withUnsafeBufferPointer { source in
            content.withUnsafeMutableBufferPointer { inflate(source, into: $0, stream) }
        }
        guard status == Z_OK else {
            throw status == Z_MEM_ERROR
                ? DataError(.outOfMemory(byteCount: size), subject: subject)
                : DataError(
                    .malformedArray("its compressed bytes are damaged"), subject: subject, remedy: "copy it again")
        }
        return content
    }

    /// Inflates all of `source`, which must fill `target`; returns zlib's status.
    private static func inflate(
        _ source: UnsafeBufferPointer<UInt8>, into target: UnsafeMutableBufferPointer<UInt8>,
        _ stream: UnsafeMutablePointer<z_stream>
    ) -> Int32 {
        guard inflateInit2_(stream, -MAX_WBITS, zlibVersion(), Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            return Z_MEM_ERROR
        }
        defer { inflateEnd(stream) }
        var (used, made) = (0, 0)
        while true {
            // zlib counts in 32 bits.
            let (input, output) = (min(source.count - used, 1 << 30), min(target.count - made, 1 << 30))
            stream.pointee.next_in = source.baseAddress.map { UnsafeMutablePointer(mutating: $0 + used) }
            stream.pointee.avail_in = uInt(input)
            stream.pointee.next_out = target.baseAddress.map { $0 + made }
            stream.pointee.avail_out = uInt(output)
            let status = CZlib.inflate(stream, Z_NO_FLUSH)
            let (eaten, filled) = (input - Int(stream.pointee.avail_in), output - Int(stream.pointee.avail_out))
            used += eaten
            made += filled
            if status == Z_STREAM_END { return made == target.count ? Z_OK : Z_DATA_ERROR }
            guard status == Z_OK, eaten > 0 || filled > 0 else { return Z_DATA_ERROR }
        }
    }
}

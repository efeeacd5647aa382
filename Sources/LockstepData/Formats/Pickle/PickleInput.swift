/// Reads the bytes of a pickle once, from front to back, through a small buffer.
///
/// Strings are decoded while they are read: a string of a hundred megabytes needs no memory except its destination.
final class PickleInput {
    /// The encoding of a string's bytes in the file.
    enum Encoding: Hashable {
        /// The bytes themselves: `BINSTRING` of protocol 1.
        case raw
        /// UTF-8 of characters below 256, each of which is a byte: Python 3 writes this in place of `BINSTRING`.
        case utf8
        /// In quotes, as Python 2's `repr` writes them: `STRING` of protocol 0.
        case quoted
        /// Characters below 256, some as `\u00XX`, to the end of the line: `UNICODE` of protocol 0.
        case unicodeLine
    }

    private let content: ContentReader
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
    private var position = 0
    private var filled = 0

    init(path: String) throws(DataError) {
        content = try ContentReader(path: path)
    }

    deinit {
        buffer.deallocate()
    }

    var path: String { content.path }
    /// The number of bytes read so far, of the uncompressed content.
    var offset: Int { content.offset - (filled - position) }

    /// The next byte.
    @inline(__always)
    func byte() throws(DataError) -> UInt8 {
        if position == filled { try refill() }
        let byte = buffer[position]
        position += 1
        return byte
    }

    /// A little-endian integer of this many bytes, at most 8.
    func number(bytes: Int) throws(DataError) -> UInt64 {
        var value: UInt64 = 0
        for shift in 0..<bytes { value |= UInt64(try byte()) << (8 * UInt64(shift)) }
        return value
    }

    /// The rest of the current line, at most `limit` bytes, without its end.
    func line(limit: Int) throws(DataError) -> String {
        var bytes: [UInt8] = []
        while true {
            let byte = try byte()
            if byte == UInt8(ascii: "\n") { return String(decoding: bytes, as: UTF8.self) }
            guard bytes.count < limit else { throw malformed("a line of more than \(limit) bytes") }
            bytes.append(byte)
        }
    }

    /// Skips to an offset at or after the current one.
    func skip(to target: Int) throws(DataError) {
        while offset < target {
            if position == filled { try refill() }
            position += min(target - offset, filled - position)
        }
    }

    /// Whether all bytes have been read.
    func isAtEnd() throws(DataError) -> Bool {
        guard position == filled else { return false }
        return try content.isAtEnd()
    }

    func malformed(_ reason: String) -> DataError {
        DataError(.malformedPickle(reason), subject: path, offset: offset)
    }

    private func refill() throws(DataError) {
        position = 0
        filled = 0
        filled = try content.read(into: buffer)
        guard filled > 0 else { throw malformed("it ends early") }
    }
}

// MARK: - Strings

extension PickleInput {
    /// Decodes the string at the current position.
    ///
    /// - Parameters:
    ///   - encoding: The string's encoding.
    ///   - length: The number of encoded bytes; nil for encodings with an end mark.
    ///   - body: Called with each decoded byte.
    /// - Throws: ``DataError`` if the encoding is violated.
    @inline(__always)
    func decode(_ encoding: Encoding, length: Int?, _ body: (UInt8) -> Void) throws(DataError) {
        switch encoding {
        case .raw:
            for _ in 0..<(length ?? 0) { body(try byte()) }
        case .utf8:
            var rest = length ?? 0
            while rest > 0 {
                let first = try byte()
                rest -= 1
                if first < 0x80 {
                    body(first)
                    continue
                }
                guard first == 0xC2 || first == 0xC3, rest > 0 else { throw malformed("a string that is not bytes") }
                let second = try byte()
                rest -= 1
                guard second & 0xC0 == 0x80 else { throw malformed("a string that is not UTF-8") }
                body((first & 0x03) << 6 | (second & 0x3F))
            }
        case .quoted:
            let quote = try byte()
            guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
                throw malformed("a string without quotes")
            }
            while true {
                let next = try byte()
                if next == quote { break }
                guard next != UInt8(ascii: "\n") else { throw malformed("a string without its closing quote") }
                body(next == UInt8(ascii: "\\") ? try escaped() : next)
            }
            guard try byte() == UInt8(ascii: "\n") else { throw malformed("bytes after a string's closing quote") }
        case .unicodeLine:
            while true {
                let next = try byte()
                if next == UInt8(ascii: "\n") { return }
                guard next == UInt8(ascii: "\\") else {
                    body(next)
                    continue
                }
                guard try byte() == UInt8(ascii: "u"), try hexadecimal(digits: 2) == 0 else {
                    throw malformed("a string that is not bytes")
                }
                body(try hexadecimal(digits: 2))
            }
        }
    }

    /// Decodes an escape of Python 2's `repr` of a string, after its backslash.
    private func escaped() throws(DataError) -> UInt8 {
        switch try byte() {
        case UInt8(ascii: "x"): return try hexadecimal(digits: 2)
        case UInt8(ascii: "n"): return UInt8(ascii: "\n")
        case UInt8(ascii: "r"): return UInt8(ascii: "\r")
        case UInt8(ascii: "t"): return UInt8(ascii: "\t")
        case let byte where byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\""):
            return byte
        default: throw malformed("an unknown escape in a string")
        }
    }

    private func hexadecimal(digits: Int) throws(DataError) -> UInt8 {
        var value: UInt8 = 0
        for _ in 0..<digits {
            let byte = try byte()
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw malformed("an escape without hexadecimal digits")
            }
            value = value << 4 | digit
        }
        return value
    }
}

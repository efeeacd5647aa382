// File names as text.
//
// To Linux a file's name is any sequence of bytes without "/" and zero; Swift's strings hold Unicode. A name that is not UTF-8,
// such as one from an archive in Latin-1, would be repaired when it becomes a string, and then names another file. So where
// names enter the program, each byte that is not UTF-8 becomes a scalar of the private use area, U+F700 and the byte; and where a
// string becomes a name again, each of these scalars becomes its byte. (PEP 383 of Python does this with surrogates, which Swift's
// strings cannot hold.) A name that contains such scalars itself is taken byte by byte, so that each name comes back as it was.

extension Unicode.Scalar {
    /// The scalars that stand for the bytes 0x80 to 0xFF.
    private static let escapes: ClosedRange<UInt32> = 0xF780...0xF7FF
    private static let firstEscape: UInt32 = 0xF700

    /// The scalar that stands for a byte that is not UTF-8.
    fileprivate init?(escaping byte: UInt8) {
        self.init(Self.firstEscape + UInt32(byte))
    }

    /// The byte that this scalar stands for in a file's name; nil if it stands for itself.
    var escapedByte: UInt8? { Self.escapes.contains(value) ? UInt8(value - Self.firstEscape) : nil }
}

extension String {
    /// A file's name or path, of which ``pathBytes`` are the same bytes.
    package init(path bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        if let text = String(validating: bytes, as: UTF8.self), !text.hasEscapedBytes {
            self = text
            return
        }
        self = bytes.withUnsafeBufferPointer { bytes in
            var text = ""
            var index = 0
            while index < bytes.count {
                if let (scalar, length) = Self.scalar(at: index, of: bytes, end: bytes.count),
                    scalar.escapedByte == nil
                {
                    text.unicodeScalars.append(scalar)
                    index += length
                } else {
                    if let escape = Unicode.Scalar(escaping: bytes[index]) { text.unicodeScalars.append(escape) }
                    index += 1
                }
            }
            return text
        }
    }

    /// A path that the C library returns.
    package init(path text: UnsafePointer<CChar>) {
        self.init(path: UnsafeRawBufferPointer(start: text, count: length(of: text)))
    }

    /// Whether some scalars stand for bytes that are not UTF-8.
    package var hasEscapedBytes: Bool { unicodeScalars.contains { $0.escapedByte != nil } }

    /// The bytes of the file's name or path that this text stands for; UTF-8, unless bytes were escaped.
    package var pathBytes: [UInt8] {
        guard hasEscapedBytes else { return Array(utf8) }
        return unicodeScalars.flatMap { scalar in scalar.escapedByte.map { [$0] } ?? Array(String(scalar).utf8) }
    }
}

/// Bytes before the zero.
private func length(of text: UnsafePointer<CChar>) -> Int {
    var length = 0
    while text[length] != 0 { length += 1 }
    return length
}

/// Reads the fields of a table of text once, from front to back, through a small buffer.
///
/// A field may be in double quotes, where two quotes mean one (RFC 4180), but ends on its line. Blanks around fields, empty
/// lines, a carriage return at a line's end and a byte order mark are skipped.
final class TableInput {
    /// The largest length of a field in bytes.
    static let longestField = 1024
    private static let separators: [UInt8] = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")]

    private enum End {
        case field, line, content
    }

    /// The separator of fields: comma, semicolon or tab, whichever comes first in the first line.
    let separator: UInt8
    /// The number of the last line read, counted from 1.
    private(set) var line = 0

    private let content: ContentReader
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
    private var position = 0
    private var filled = 0
    private let field = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: TableInput.longestField)
    private var fieldLength = 0

    init(path: String) throws(DataError) {
        content = try ContentReader(path: path)
        filled = try content.read(into: buffer)
        if filled >= 3, buffer[0] == 0xEF, buffer[1] == 0xBB, buffer[2] == 0xBF { position = 3 }
        var isQuoted = false
        var found: UInt8?
        var isEmpty = true
        for byte in buffer[position..<filled] where found == nil {
            if byte == UInt8(ascii: "\n"), !isEmpty { break }
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if !isQuoted, Self.separators.contains(byte) { found = byte }
            if byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") { isEmpty = false }
        }
        separator = found ?? UInt8(ascii: ",")
    }

    deinit {
        buffer.deallocate()
        field.deallocate()
    }

    var path: String { content.path }

    /// Reads the next line that is not empty.
    ///
    /// - Parameter body: Called with the column, from 1, and the bytes of each field.
    /// - Returns: The number of fields; 0 if no line is left.
    /// - Throws: ``DataError`` if a field is damaged, or an error of `body`.
    @inline(__always)
    func readLine(
        _ body: (_ column: Int, _ field: UnsafeBufferPointer<UInt8>) throws(DataError) -> Void
    ) throws(DataError) -> Int {
        var columns = 0
        line += 1
        while true {
            let end = try readField(column: columns + 1)
            if columns == 0, fieldLength == 0, end != .field {
                if end == .content { return 0 }
                line += 1
                continue
            }
            columns += 1
            try body(columns, UnsafeBufferPointer(rebasing: field[..<fieldLength]))
            if end != .field { return columns }
        }
    }

    /// Makes an error about the last line read.
    func malformed(_ text: String, column: Int? = nil, remedy: String? = nil) -> DataError {
        var error = DataError(.malformedTable(text), subject: path, remedy: remedy)
        error.line = line
        error.column = column
        return error
    }

    /// The next byte; nil at the content's end.
    @inline(__always)
    private func next() throws(DataError) -> UInt8? {
        if position == filled {
            position = 0
            filled = 0
            filled = try content.read(into: buffer)
            if filled == 0 { return nil }
        }
        let byte = buffer[position]
        position += 1
        return byte
    }

    @inline(__always)
    private func append(_ byte: UInt8, column: Int) throws(DataError) {
        guard fieldLength < Self.longestField else {
            throw malformed("a field of more than \(Self.longestField) bytes", column: column)
        }
        guard byte != 0 else {
            throw malformed("a zero byte, which is not text", column: column, remedy: "save it as UTF-8")
        }
        field[fieldLength] = byte
        fieldLength += 1
    }

    /// Reads a field, without the blanks around it, and the separator or line end after it.
    @inline(__always)
    private func readField(column: Int) throws(DataError) -> End {
        fieldLength = 0
        while let byte = try next() {
            if byte == separator { return ended(.field) }
            if byte == UInt8(ascii: "\n") { return ended(.line) }
            if fieldLength == 0 {
                if isBlank(byte) { continue }
                if byte == UInt8(ascii: "\"") { return try readQuoted(column: column) }
            }
            try append(byte, column: column)
        }
        return ended(.content)
    }

    private func ended(_ end: End) -> End {
        while fieldLength > 0, isBlank(field[fieldLength - 1]) { fieldLength -= 1 }
        return end
    }

    @inline(__always)
    private func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\t")
    }

    /// Reads the rest of a quoted field, after its opening quote.
    private func readQuoted(column: Int) throws(DataError) -> End {
        while true {
            guard let byte = try next(), byte != UInt8(ascii: "\n") else {
                throw malformed("a quoted field that does not end on its line", column: column)
            }
            guard byte == UInt8(ascii: "\"") else {
                try append(byte, column: column)
                continue
            }
            guard let following = try next() else { return .content }
            if following == UInt8(ascii: "\"") {
                try append(following, column: column)
                continue
            }
            return try readAfterQuote(following, column: column)
        }
    }

    /// Skips blanks between a closing quote and the end of the field; `first` is the byte after the quote.
    private func readAfterQuote(_ first: UInt8, column: Int) throws(DataError) -> End {
        var byte = first
        while true {
            if byte == separator { return .field }
            if byte == UInt8(ascii: "\n") { return .line }
            guard isBlank(byte) else { throw malformed("bytes after a field's closing quote", column: column) }
            guard let following = try next() else { return .content }
            byte = following
        }
    }
}

import LockstepSystem

/// Reads the fields of a table of text once, from front to back, through a small buffer.
///
/// A field may be in double quotes, where two quotes mean one (RFC 4180), but ends on its line. Blanks around fields, empty
/// lines, a carriage return at a line's end and a byte order mark are skipped.
final class TableInput {
    /// The largest length of a field in bytes.
    static let longestField = 1024

    private enum End {
        case field, line, content
    }

    /// What separates fields: a tab where the first line has one, else a semicolon, else a comma, else blanks.
    let separator: UInt8
    /// The byte before a number's decimals besides the point: a comma, unless commas separate fields.
    let decimalMark: UInt8
    /// The number of the last line read, counted from 1.
    private(set) var line = 0
    /// The path, as errors name it.
    let path: String

    private let source: (UnsafeMutableRawBufferPointer) throws(DataError) -> Int
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
    private var position = 0
    private var filled = 0
    private let field = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: TableInput.longestField)
    private var fieldLength = 0
    /// The last byte that was consumed.
    private var lastByte = UInt8(ascii: "\n")

    /// Opens a file, plain or gzipped.
    convenience init(path: String) throws(DataError) {
        let content = try ContentReader(path: path)
        try self.init(path: path) { (bytes) throws(DataError) in try content.read(into: bytes) }
    }

    /// Reads from `source`, which returns 0 at the content's end; errors call it `path`.
    init(
        path: String, source: @escaping (UnsafeMutableRawBufferPointer) throws(DataError) -> Int
    ) throws(DataError) {
        self.path = path
        self.source = source
        // A pipe gives its first line in pieces.
        while filled < buffer.count {
            let count = try source(UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            filled += count
            if count == 0 || Self.hasWholeLine(buffer[..<filled]) { break }
        }
        if filled >= 3, buffer[0] == 0xEF, buffer[1] == 0xBB, buffer[2] == 0xBF { position = 3 }
        separator = Self.separator(of: buffer[position..<filled])
        decimalMark = separator == UInt8(ascii: ",") ? UInt8(ascii: ".") : UInt8(ascii: ",")
    }

    deinit {
        buffer.deallocate()
        field.deallocate()
    }

    /// Whether the bytes have a line that is not empty, and its end.
    private static func hasWholeLine(_ bytes: Slice<UnsafeMutableRawBufferPointer>) -> Bool {
        var isEmpty = true
        for byte in bytes {
            if byte == UInt8(ascii: "\n"), !isEmpty { return true }
            if byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") { isEmpty = false }
        }
        return false
    }

    /// What separates the fields of the first line that is not empty.
    private static func separator(of bytes: Slice<UnsafeMutableRawBufferPointer>) -> UInt8 {
        var (isQuoted, isEmpty) = (false, true)
        var (commas, semicolons, tabs, blanks) = (0, 0, 0, 0)
        for byte in bytes {
            if byte == UInt8(ascii: "\n"), !isEmpty { break }
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if !isQuoted {
                switch byte {
                case UInt8(ascii: ","): commas += 1
                case UInt8(ascii: ";"): semicolons += 1
                case UInt8(ascii: "\t"): tabs += 1
                case UInt8(ascii: " "): blanks += isEmpty ? 0 : 1
                default: break
                }
            }
            if byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") { isEmpty = false }
        }
        if tabs > 0 { return UInt8(ascii: "\t") }
        if semicolons > 0 { return UInt8(ascii: ";") }
        return commas > 0 || blanks == 0 ? UInt8(ascii: ",") : UInt8(ascii: " ")
    }

    /// Reads the next line that is not empty.
    ///
    /// - Parameter body: Called with the column, from 1, and the bytes of each field.
    /// - Returns: The number of fields; 0 if no line is left.
    /// - Throws: ``DataError`` if a field is damaged, or an error of `body`; ``skipLine()`` then goes on.
    @inline(__always)
    func readLine(
        _ body: (_ column: Int, _ field: UnsafeBufferPointer<UInt8>) throws(DataError) -> Void
    ) throws(DataError) -> Int {
        var columns = 0
        line += 1
        while true {
            let end = try readField(column: columns + 1)
            // Blanks at the end of a line separate nothing.
            let isPadding = fieldLength == 0 && end != .field && separator == UInt8(ascii: " ")
            if fieldLength == 0, end != .field, columns == 0 {
                if end == .content { return 0 }
                line += 1
                continue
            }
            if isPadding { return columns }
            columns += 1
            try body(columns, UnsafeBufferPointer(rebasing: field[..<fieldLength]))
            if end != .field { return columns }
        }
    }

    /// The fields of the next line that is not empty; nil if no line is left.
    func readFields() throws(DataError) -> [String]? {
        var fields: [String] = []
        let count = try readLine { _, field in fields.append(String(decoding: field, as: UTF8.self)) }
        return count == 0 ? nil : fields
    }

    /// Skips the rest of a line that has a fault.
    func skipLine() throws(DataError) {
        while lastByte != UInt8(ascii: "\n"), try next() != nil {}
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
            filled = try source(buffer)
            if filled == 0 { return nil }
        }
        let byte = buffer[position]
        position += 1
        lastByte = byte
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
            if byte == separator {
                // Several blanks separate two fields once.
                if fieldLength == 0, separator == UInt8(ascii: " ") { continue }
                return ended(.field)
            }
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

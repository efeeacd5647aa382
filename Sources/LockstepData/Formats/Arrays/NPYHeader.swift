import LockstepText

/// The header of a numpy file (numpy.lib.format): the form of its elements, their order and the array's shape.
///
/// Total: any bytes give a header or a ``DataError``. Nothing is executed: a header is a Python dictionary of three texts, which
/// this parser reads as text, and arrays of Python objects are refused.
struct NPYHeader: Hashable {
    /// The form of an element.
    enum Element: Hashable {
        case bool
        case signed(bytes: Int)
        case unsigned(bytes: Int)
        case float(bytes: Int)
        /// Bytes, padded with zeros.
        case bytes(count: Int)
        /// UTF-32, padded with zeros.
        case text(scalars: Int)

        var byteCount: Int {
            switch self {
            case .bool: 1
            case .signed(let bytes), .unsigned(let bytes), .float(let bytes), .bytes(let bytes): bytes
            case .text(let scalars): 4 * scalars
            }
        }

        var isText: Bool {
            switch self {
            case .bytes, .text: true
            default: false
            }
        }
    }

    let element: Element
    let isBigEndian: Bool
    /// Whether the first index runs fastest.
    let isColumnMajor: Bool
    let shape: [Int]
    /// Bytes of the header, with the magic number before it.
    let byteCount: Int

    static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
    static let longest = 64 << 10
    static let largestDimensionCount = 32
    /// Bytes of an array.
    static let largestPayload = 1 << 32

    /// Bytes of the array after the header.
    var payloadSize: Int { shape.reduce(element.byteCount, *) }

    /// Reads a header from the beginning of a file.
    ///
    /// - Parameters:
    ///   - bytes: The file's first bytes: all of it, or at least ``longest``.
    ///   - subject: What errors call the file.
    /// - Throws: ``DataError`` if they are none, or the array has elements that are neither numbers nor texts.
    init(_ bytes: ArraySlice<UInt8>, subject: String) throws(DataError) {
        func malformed(_ text: String) -> DataError {
            DataError(.malformedArray("not a numpy file: \(text)"), subject: subject)
        }
        let bytes = Array(bytes.prefix(Self.longest))
        guard bytes.count >= 12, bytes.starts(with: Self.magic) else { throw malformed("it does not begin as one") }
        let isLong = bytes[6] >= 2
        guard (1...3).contains(bytes[6]) else { throw malformed("version \(bytes[6]) of the format") }
        let length = Int(bytes[8]) | Int(bytes[9]) << 8 | (isLong ? Int(bytes[10]) << 16 | Int(bytes[11]) << 24 : 0)
        let start = isLong ? 12 : 10
        guard length <= bytes.count - start else { throw malformed("its header is cut off, or too long") }
        var parser = HeaderParser(bytes[start..<start + length])
        guard let fields = parser.dictionary() else { throw malformed("its header is damaged") }
        guard case .text(let type)? = fields["descr"] else {
            throw DataError(
                .malformedArray("its elements are records, and not numbers"), subject: subject,
                remedy: "save each field as an array of its own")
        }
        guard case .flag(let isColumnMajor)? = fields["fortran_order"], case .numbers(let shape)? = fields["shape"]
        else {
            throw malformed("its header lacks fortran_order or shape")
        }
        (element, isBigEndian) = try Self.element(type, subject)
        self.isColumnMajor = isColumnMajor
        self.shape = shape
        byteCount = start + length
        var size = element.byteCount
        for dimension in shape {
            let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
            guard !overflow, product <= Self.largestPayload else {
                throw DataError(
                    .tooLarge(
                        what: "the size of an array in bytes", found: overflow ? .max : product,
                        limit: Self.largestPayload),
                    subject: subject)
            }
            size = product
        }
    }

    /// The element of a type such as `<f4`, `|u1` or `<U12`.
    private static func element(
        _ type: String, _ subject: String
    ) throws(DataError) -> (element: Element, isBigEndian: Bool) {
        let characters = Array(type.utf8)
        let refusal = DataError(
            .malformedArray("elements of the type '\(type.printable(limit: 40))', which are no numbers and no texts"),
            subject: subject,
            remedy: type.contains("O")
                ? "it holds Python objects, which only a program could read: convert it with astype(float) or astype(str)"
                : "convert it with astype('float32')")
        guard characters.count >= 3, let count = Int(String(decoding: characters[2...], as: UTF8.self)), count >= 0,
            [UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "|"), UInt8(ascii: "=")].contains(characters[0])
        else { throw refusal }
        let element: Element
        switch (characters[1], count) {
        case (UInt8(ascii: "b"), 1): element = .bool
        case (UInt8(ascii: "i"), 1), (UInt8(ascii: "i"), 2), (UInt8(ascii: "i"), 4), (UInt8(ascii: "i"), 8):
            element = .signed(bytes: count)
        case (UInt8(ascii: "u"), 1), (UInt8(ascii: "u"), 2), (UInt8(ascii: "u"), 4), (UInt8(ascii: "u"), 8):
            element = .unsigned(bytes: count)
        case (UInt8(ascii: "f"), 2), (UInt8(ascii: "f"), 4), (UInt8(ascii: "f"), 8): element = .float(bytes: count)
        case (UInt8(ascii: "S"), 1...1_024): element = .bytes(count: count)
        case (UInt8(ascii: "U"), 1...1_024): element = .text(scalars: count)
        default: throw refusal
        }
        return (element, characters[0] == UInt8(ascii: ">"))
    }
}

/// Reads a Python dictionary of texts, truth values and tuples of whole numbers.
private struct HeaderParser {
    enum Value {
        case text(String)
        case flag(Bool)
        case numbers([Int])
        /// A list or another value that no plain array has.
        case other
    }

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// The dictionary; nil if the text is no such dictionary.
    mutating func dictionary() -> [String: Value]? {
        guard accept("{") else { return nil }
        var fields: [String: Value] = [:]
        while !accept("}") {
            guard let key = quoted(), accept(":"), let value = value() else { return nil }
            fields[key] = value
            guard accept(",") || peek() == UInt8(ascii: "}") else { return nil }
        }
        skipBlanks()
        return rest.isEmpty ? fields : nil
    }

    private mutating func value() -> Value? {
        if let text = quoted() { return .text(text) }
        if acceptWord("True") { return .flag(true) }
        if acceptWord("False") { return .flag(false) }
        if accept("(") { return numbers().map { .numbers($0) } }
        // A structured type: its list is skipped up to the bracket that ends it.
        guard accept("[") else { return nil }
        var depth = 1
        while depth > 0, let byte = rest.popFirst() {
            if byte == UInt8(ascii: "[") { depth += 1 }
            if byte == UInt8(ascii: "]") { depth -= 1 }
        }
        return depth == 0 ? .other : nil
    }

    private mutating func numbers() -> [Int]? {
        var numbers: [Int] = []
        while !accept(")") {
            skipBlanks()
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty, let number = Int(String(decoding: digits, as: UTF8.self)),
                numbers.count < NPYHeader.largestDimensionCount
            else { return nil }
            rest = rest.dropFirst(digits.count)
            // Python 2 wrote 3L.
            _ = accept("L")
            numbers.append(number)
            guard accept(",") || peek() == UInt8(ascii: ")") else { return nil }
        }
        return numbers
    }

    private mutating func quoted() -> String? {
        skipBlanks()
        guard let quote = rest.first, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else { return nil }
        let text = rest.dropFirst().prefix { $0 != quote && $0 != UInt8(ascii: "\\") }
        guard rest.count > text.count + 1, rest[text.endIndex] == quote else { return nil }
        rest = rest[(text.endIndex + 1)...]
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func acceptWord(_ word: String) -> Bool {
        skipBlanks()
        guard rest.starts(with: word.utf8) else { return false }
        rest = rest.dropFirst(word.utf8.count)
        return true
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }

    private mutating func peek() -> UInt8? {
        skipBlanks()
        return rest.first
    }

    private mutating func skipBlanks() {
        rest = rest.drop { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }
    }
}

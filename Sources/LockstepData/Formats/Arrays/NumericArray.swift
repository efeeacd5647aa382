/// An array of a numpy file: rows of values, or of texts.
struct NumericArray {
    let header: NPYHeader
    /// The elements, [header.payloadSize].
    private let bytes: [UInt8]
    /// Where a value of a row lies, counted in elements from the row's place; nil where rows are contiguous.
    private let offsets: [Int]?

    /// Values of a row: all dimensions but the first.
    let rowSize: Int
    /// The first dimension.
    var rowCount: Int { header.shape.first ?? 1 }

    /// - Parameters:
    ///   - header: The header.
    ///   - bytes: The elements, as many bytes as the header says.
    init(_ header: NPYHeader, bytes: [UInt8]) {
        precondition(bytes.count == header.payloadSize)
        self.header = header
        self.bytes = bytes
        rowSize = header.shape.dropFirst().reduce(1, *)
        guard header.isColumnMajor, header.shape.count > 1 else {
            offsets = nil
            return
        }
        let (inner, rows, size) = (Array(header.shape.dropFirst()), header.shape[0], rowSize)
        offsets = (0..<size).map { value in
            // The place of a value in row-major order, in column-major strides: the first index runs fastest.
            var (rest, stride, offset) = (value, rows, 0)
            var block = size
            for dimension in inner {
                block /= max(1, dimension)
                offset += rest / max(1, block) * stride
                rest %= max(1, block)
                stride *= dimension
            }
            return offset
        }
    }

    private func place(_ row: Int, _ value: Int) -> Int {
        offsets.map { $0[value] + row } ?? row * rowSize + value
    }

    /// Appends the text of a value: a number in decimal, `nan`, or the text itself.
    func append(_ row: Int, _ value: Int, to text: inout [UInt8]) {
        let start = place(row, value) * header.element.byteCount
        switch header.element {
        case .bool: text.append(bytes[start] == 0 ? 0x30 : 0x31)
        case .unsigned(1): Self.append(UInt64(bytes[start]), to: &text)
        case .unsigned(let count): Self.append(pattern(at: start, count), to: &text)
        case .signed(let count):
            let unused = UInt64(64 - 8 * count)
            let number = Int64(bitPattern: pattern(at: start, count) << unused) >> unused
            if number < 0 { text.append(UInt8(ascii: "-")) }
            Self.append(number.magnitude, to: &text)
        case .float(2): Self.append(half(pattern(at: start, 2)), to: &text)
        case .float(4): Self.append(Float(bitPattern: UInt32(truncatingIfNeeded: pattern(at: start, 4))), to: &text)
        case .float: Self.append(Double(bitPattern: pattern(at: start, 8)), to: &text)
        case .bytes, .text: text += string(at: row * rowSize + value).utf8
        }
    }

    /// A text of an array of texts, by its place in the file.
    func string(at index: Int) -> String {
        let start = index * header.element.byteCount
        switch header.element {
        case .bytes(let count):
            return String(decoding: bytes[start..<start + count].prefix { $0 != 0 }, as: UTF8.self)
        case .text(let scalars):
            var text = String.UnicodeScalarView()
            for scalar in 0..<scalars {
                let code = UInt32(truncatingIfNeeded: pattern(at: start + 4 * scalar, 4))
                if code == 0 { break }
                text.append(Unicode.Scalar(code) ?? "\u{FFFD}")
            }
            return String(text)
        default: return ""
        }
    }

    /// A whole number from 0 on; nil for another value.
    func index(_ row: Int) -> Int? {
        let start = place(row, 0) * header.element.byteCount
        switch header.element {
        case .bool, .unsigned: return Int(exactly: pattern(at: start, header.element.byteCount))
        case .signed(let count):
            let unused = UInt64(64 - 8 * count)
            let number = Int64(bitPattern: pattern(at: start, count) << unused) >> unused
            return number < 0 ? nil : Int(number)
        case .float, .bytes, .text: return nil
        }
    }

    private func pattern(at start: Int, _ count: Int) -> UInt64 {
        var pattern: UInt64 = 0
        for byte in 0..<count {
            pattern = pattern << 8 | UInt64(bytes[start + (header.isBigEndian ? byte : count - 1 - byte)])
        }
        return pattern
    }

    /// A number of 16 bits (IEEE 754 binary16); Swift has no such type on this processor.
    private func half(_ pattern: UInt64) -> Float {
        let (sign, exponent, fraction) = (pattern >> 15, Int(pattern >> 10 & 0x1F), Float(pattern & 0x3FF))
        let magnitude: Float =
            switch exponent {
            case 0: fraction * 0x1p-24
            case 31: fraction == 0 ? .infinity : .nan
            default: Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction * 0x1p-10)
            }
        return sign == 1 ? -magnitude : magnitude
    }

    private static func append<Number: BinaryFloatingPoint & CustomStringConvertible>(
        _ number: Number, to text: inout [UInt8]
    ) {
        text += (number.isNaN ? "nan" : number.description).utf8
    }

    private static func append(_ number: UInt64, to text: inout [UInt8]) {
        if number < 10 { return text.append(0x30 + UInt8(truncatingIfNeeded: number)) }
        let start = text.count
        var rest = number
        while rest > 0 {
            text.append(0x30 + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        }
        text[start...].reverse()
    }
}

/// Parses a decimal number: sign, digits, point and exponent only; no hexadecimal, no `inf`, no `nan`.
///
/// - Parameters:
///   - text: The number's bytes.
///   - decimalMark: A second byte that may stand in place of the point, such as a comma.
/// - Returns: The nearest float32, infinite if the number is too large; nil if the text is not a number.
func tableNumber(_ text: UnsafeBufferPointer<UInt8>, decimalMark: UInt8 = UInt8(ascii: ".")) -> Float? {
    var index = 0
    func digit() -> UInt8? {
        guard index < text.count else { return nil }
        let value = text[index] &- UInt8(ascii: "0")
        return value < 10 ? value : nil
    }
    func consume(_ byte: UInt8, or other: UInt8) -> Bool {
        guard index < text.count, text[index] == byte || text[index] == other else { return false }
        index += 1
        return true
    }
    let isNegative = text.first == UInt8(ascii: "-")
    if isNegative || text.first == UInt8(ascii: "+") { index = 1 }
    var significand: UInt32 = 0
    // The number of digits that don't fit into the significand, and whether all of them are zeros.
    var dropped = 0
    var isExact = true
    var digits = 0
    func append(_ value: UInt8) {
        // Numbers below 2^24 are exact in float32.
        if significand < 1_000_000 {
            significand = significand * 10 + UInt32(value)
        } else {
            dropped += 1
            isExact = isExact && value == 0
        }
        digits += 1
        index += 1
    }
    while let value = digit() { append(value) }
    let wholeDigits = digits
    if consume(UInt8(ascii: "."), or: decimalMark) { while let value = digit() { append(value) } }
    guard digits > 0 else { return nil }
    let places = digits - wholeDigits
    var exponent = 0
    if consume(UInt8(ascii: "e"), or: UInt8(ascii: "E")) {
        let isSmall = index < text.count && text[index] == UInt8(ascii: "-")
        if isSmall || (index < text.count && text[index] == UInt8(ascii: "+")) { index += 1 }
        guard digit() != nil else { return nil }
        while let value = digit() {
            // The bound is far beyond the exponents of float32: more digits change nothing.
            exponent = min(exponent * 10 + Int(value), 1_000_000)
            index += 1
        }
        if isSmall { exponent = -exponent }
    }
    guard index == text.count else { return nil }
    // Both operands are exact, so the product or quotient is rounded once, correctly (W. Clinger, "How to read floating
    // point numbers accurately", 1990).
    let power = exponent - places + dropped
    guard isExact, abs(power) < powersOfTen.count else {
        let point = text.map { $0 == decimalMark ? UInt8(ascii: ".") : $0 }
        return Float(String(decoding: point, as: UTF8.self))
    }
    let magnitude = power < 0 ? Float(significand) / powersOfTen[-power] : Float(significand) * powersOfTen[power]
    return isNegative ? -magnitude : magnitude
}

/// The powers of ten that float32 represents exactly.
private let powersOfTen: [Float] = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10]

/// Whether a field says that its value is missing: it is empty, `?`, `NA`, `N/A`, `NaN` or `null`, in capitals or not.
func isMissing(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let first = text.first else { return true }
    func equals(_ word: StaticString) -> Bool {
        guard text.count == word.utf8CodeUnitCount else { return false }
        return text.indices.allSatisfy { text[$0] | 0x20 == word.utf8Start[$0] | 0x20 }
    }
    if first == UInt8(ascii: "?") { return text.count == 1 }
    guard first | 0x20 == UInt8(ascii: "n") else { return false }
    return equals("na") || equals("n/a") || equals("nan") || equals("null")
}

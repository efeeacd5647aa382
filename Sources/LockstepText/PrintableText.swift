// Text from a peer, a file or a user is untrusted: printed unchanged, it could move a terminal's cursor, reverse the
// reading direction, hide a line or fill the screen. Every message that quotes such text escapes it with these
// functions, and names must not need that.

extension Unicode.Scalar {
    /// Whether a terminal shows this scalar and does nothing else with it.
    ///
    /// False for the general categories Cc (control), Cf (format: direction marks, zero-width characters), Zl and Zp
    /// (line and paragraph separators) and Cs (surrogates). Unicode Standard, section 4.5. False, too, for the scalars that
    /// stand for bytes of a file's name that are not UTF-8.
    package var isPrintable: Bool {
        if isASCII { return value >= 0x20 && value != 0x7F }
        guard escapedByte == nil else { return false }
        return switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: false
        default: true
        }
    }
}

extension StringProtocol {
    /// Whether the text is one line without control of the terminal. Names from peers and files must be printable.
    package var isPrintable: Bool { unicodeScalars.allSatisfy(\.isPrintable) }

    /// The text on one line, at most 200 scalars long, with every unprintable scalar escaped: `\n`, `\u{200B}`.
    package var printable: String { printable(limit: 200) }

    /// The text as the name of a thing in a message: ``printable``, or '' if it is empty.
    package var printableName: String { isEmpty ? "''" : printable }

    /// The first `limit` scalars on one line, with every unprintable scalar escaped; `…` stands for the rest.
    package func printable(limit: Int) -> String {
        var result = ""
        var rest = unicodeScalars[...]
        for scalar in rest.prefix(limit) { result.appendPrintable(scalar) }
        rest = rest.dropFirst(limit)
        return rest.isEmpty ? result : result + "…"
    }
}

extension String {
    /// Decodes at most `limit` bytes of UTF-8 for a message: unprintable scalars and bytes that are no UTF-8 are
    /// escaped (`\u{1B}`, `\xFF`), and `…` stands for the rest.
    package init(printable bytes: UnsafeBufferPointer<UInt8>, limit: Int = 200) {
        self = ""
        var end = min(limit, bytes.count)
        // The cut moves back to the first byte of a scalar, which has at most three more.
        if end < bytes.count {
            let first = (max(0, end - 3)...end).last { bytes[$0] & 0xC0 != 0x80 }
            end = first ?? end
        }
        var index = 0
        while index < end {
            if let (scalar, length) = Self.scalar(at: index, of: bytes, end: end) {
                appendPrintable(scalar)
                index += length
            } else {
                appendEscaped(bytes[index])
                index += 1
            }
        }
        if end < bytes.count { self += "…" }
    }

    fileprivate mutating func appendPrintable(_ scalar: Unicode.Scalar) {
        if scalar.isPrintable {
            unicodeScalars.append(scalar)
        } else if let byte = scalar.escapedByte {
            appendEscaped(byte)
        } else {
            self += scalar.escaped(asASCII: true)
        }
    }

    private mutating func appendEscaped(_ byte: UInt8) {
        let digits = String(byte, radix: 16, uppercase: true)
        self += digits.count == 1 ? "\\x0\(digits)" : "\\x\(digits)"
    }

    /// The scalar whose UTF-8 starts at `index`, and its length in bytes; nil if there is no valid scalar.
    static func scalar(
        at index: Int, of bytes: UnsafeBufferPointer<UInt8>, end: Int
    ) -> (scalar: Unicode.Scalar, length: Int)? {
        let length: Int
        switch bytes[index] {
        case 0x00...0x7F: length = 1
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF: length = 3
        case 0xF0...0xF4: length = 4
        default: return nil
        }
        guard index + length <= end else { return nil }
        let encoded = UnsafeBufferPointer(rebasing: bytes[index..<index + length])
        guard let text = String(validating: encoded, as: UTF8.self), let scalar = text.unicodeScalars.first else {
            return nil
        }
        return (scalar, length)
    }
}

import LockstepText
import Testing

@Suite("Text from outside on one line")
struct PrintableTextTests {
    @Test("Plain text of any script stays as it is")
    func plainTextStays() {
        for text in ["", "mnist-30", "Größe 3 µm", "数字 ٣", "e\u{301}", "🙂 x", "a b"] {
            #expect(text.printable == text)
            #expect(String(printable: text) == text)
        }
    }

    @Test(
        "Control, format and separator scalars are escaped",
        arguments: [
            ("a\nb", "a\\nb"), ("\u{1B}[2J", "\\u{1B}[2J"), ("\u{7F}", "\\u{7F}"), ("\u{9B}1m", "\\u{009B}1m"),
            ("\u{200B}", "\\u{200B}"), ("\u{202E}abc", "\\u{202E}abc"), ("\u{2066}", "\\u{2066}"),
            ("\u{2028}", "\\u{2028}"), ("\u{2029}", "\\u{2029}"), ("\u{FEFF}", "\\u{FEFF}"), ("a\0b", "a\\0b"),
        ])
    func unprintableScalarsAreEscaped(text: String, expected: String) {
        #expect(text.printable == expected)
        #expect(String(printable: text) == expected)
    }

    @Test("No category that a terminal acts on gets through")
    func everyScalarIsJudgedByItsCategory() {
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let category = scalar.properties.generalCategory
            let acts = [.control, .format, .lineSeparator, .paragraphSeparator, .surrogate].contains(category)
            // Bytes of a file's name that are not UTF-8.
            let isEscape = (0xF780...0xF7FF).contains(value)
            if scalar.isPrintable == (acts || isEscape) { Issue.record("U+\(String(value, radix: 16))") }
        }
    }

    @Test("A name is printable if all of it is")
    func names() {
        for text in ["", "mnist-30", "Größe 3 µm", "🙂 x", "a b"] { #expect(text.isPrintable) }
        for text in ["a\n", "\u{1B}", "\u{200B}x", "a\u{202E}b", "a\u{2028}b", "\u{2029}"] {
            #expect(!text.isPrintable)
        }
    }

    @Test("Long text is cut, and the cut shows")
    func longTextIsCut() {
        #expect("abcdef".printable(limit: 6) == "abcdef")
        #expect("abcdef".printable(limit: 5) == "abcde…")
        #expect(String(repeating: "x", count: 1_000).printable.count == 201)
        #expect(String(printable: "abcdef", limit: 5) == "abcde…")
        // Two bytes each: the cut falls between two scalars.
        #expect(String(printable: "äöü", limit: 3) == "ä…")
    }

    @Test("Bytes that are no UTF-8 are escaped one by one, surrogates too")
    func invalidBytesAreEscaped() {
        func text(_ bytes: [UInt8]) -> String { bytes.withUnsafeBufferPointer { String(printable: $0) } }
        #expect(text([0x61, 0xFF, 0x62]) == "a\\xFFb")
        #expect(text([0xC3]) == "\\xC3")
        #expect(text([0x80, 0x0A]) == "\\x80\\n")
        // U+D800, as CESU-8 would write it.
        #expect(text([0xED, 0xA0, 0x80]) == "\\xED\\xA0\\x80")
        // An overlong zero.
        #expect(text([0xC0, 0x80]) == "\\xC0\\x80")
    }
}

extension String {
    /// Through the bytes of a text.
    fileprivate init(printable text: String, limit: Int = 200) {
        self = Array(text.utf8).withUnsafeBufferPointer { String(printable: $0, limit: limit) }
    }
}

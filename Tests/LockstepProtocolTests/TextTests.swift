import LockstepProtocol
import Testing

@Suite struct TextTests {
    private func received(_ text: String) throws -> String {
        try Goodbye(bytes: Goodbye(code: .failed, message: text).encoded()).message
    }

    @Test("Texts of up to 1,024 bytes arrive whole")
    func whole() throws {
        for text in [
            "", "x", "Größe µ", "🔬 漢字", String(repeating: "x", count: 1024), String(repeating: "é", count: 512),
        ] {
            #expect(try received(text) == text)
        }
    }

    @Test("A text that is too long is cut where a character begins", arguments: 0..<4)
    func cut(shift: Int) throws {
        // A scalar of four bytes lies across the limit in three of four cases.
        let text = String(repeating: "x", count: shift) + String(repeating: "🧮", count: 300)
        let arrived = try received(text)
        #expect(arrived.utf8.count == (shift == 0 ? 1024 : 1020 + shift))
        #expect(text.hasPrefix(arrived))
    }

    @Test("A text of one endless character is cut, too")
    func endlessCharacter() throws {
        let text = "e" + String(repeating: "\u{301}", count: 2000)
        #expect(text.count == 1)
        #expect(try received(text).unicodeScalars.count == 1 + 511)
    }

    @Test(
        "What is not UTF-8 is an error",
        arguments: [
            [0xFF], [0xC3], [0x80], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x41, 0xE2, 0x82],
        ] as [[UInt8]])
    func invalid(bytes: [UInt8]) {
        #expect(Goodbye.error(decoding: [1, 0, UInt8(bytes.count), 0] + bytes) == .invalidText)
    }

    @Test(
        "Unprintable scalars become spaces when sent and are an error when they come",
        arguments: [
            "\n", "\t", "\r", "\u{0}", "\u{1B}", "\u{7F}", "\u{9B}", "\u{AD}", "\u{200B}", "\u{200D}", "\u{202E}",
            "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{E0001}",
        ])
    func unprintable(character: String) throws {
        #expect(try received("red\(character)[31m") == "red [31m")
        let bytes = Array(character.utf8)
        #expect(Goodbye.error(decoding: [1, 0, UInt8(bytes.count), 0] + bytes) == .invalidText)
    }

    @Test("Errors are one line and name what was found")
    func descriptions() {
        let errors: [(ProtocolError, String)] = [
            (.truncated(needed: 32, found: 7), "message cut short: 7 bytes where at least 32 are needed"),
            (.trailingBytes(count: 3), "message with 3 bytes too many"),
            (
                .payloadSize(kind: .assign, found: 5),
                "assign message with a payload of 5 bytes, where none is allowed"
            ),
            (
                .payloadSize(kind: .nodeResult, found: 5),
                "nodeResult message with a payload of 5 bytes, where it has 16"
            ),
            (
                .payloadSize(kind: .gradient, found: 5),
                "gradient message with a payload of 5 bytes, where it has 2 to 1048576"
            ),
            (
                .notAChunk(segment: 1, offset: 4, payloadBytes: 8),
                "8 bytes for layer 1 from element 4 are not within a chunk of this network's parameters"
            ),
        ]
        for (error, description) in errors { #expect(error.description == description) }
        for error in [.wrongMagic(found: 1), .wrongVersion(found: 9), .unknownKind(found: 77)] as [ProtocolError] {
            #expect(!error.description.contains("\n"))
        }
        #expect(ProtocolError.wrongVersion(found: 9).description.contains("version 9"))
        #expect(ProtocolError.unknownKind(found: 77).description.contains("kind 77"))
    }
}

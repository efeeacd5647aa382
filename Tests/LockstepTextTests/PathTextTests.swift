import LockstepTesting
import LockstepText
import Testing

@Suite("File names as text")
struct PathTextTests {
    @Test("Names that are UTF-8 are the same text, and others come back byte for byte")
    func bytes() {
        for text in ["", "plain", "café", "日本", "🙂/e\u{301}", "a\u{F700}b"] {
            #expect(String(path: text.utf8) == text && text.pathBytes == Array(text.utf8) && !text.hasEscapedBytes)
        }
        let names: [[UInt8]] = [
            [0x63, 0x61, 0x66, 0xE9], [0xFF], [0x80], [0xC3], [0xE2, 0x82], [0xC0, 0xAF], [0xED, 0xA0, 0x80],
            [0xF4, 0x90, 0x80, 0x80], Array("né".utf8) + [0xE9, 0x2F],
            // A name with scalars that stand for bytes.
            Array("\u{F780}\u{F7FF}".utf8), Array("\u{F7E9}".utf8) + [0xE9],
        ]
        for name in names {
            let text = String(path: name)
            #expect(text.hasEscapedBytes && text.pathBytes == name, "\(name)")
        }
        #expect(String(path: [0x63, 0xE9]).printable == "c\\xE9" && !String(path: [0x63, 0xE9]).isPrintable)
        #expect(String(path: names[9]).pathBytes != String(path: [0x80, 0xFF]).pathBytes)
    }

    @Test("Any bytes come back, and different names are different texts", arguments: [1, 2, 3] as [UInt64])
    func random(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var seen: [String: [UInt8]] = [:]
        for _ in 0..<2_000 {
            // Mostly bytes with which the scalars that stand for bytes begin and go on.
            let name = (0..<Int.random(in: 1...8, using: &random)).map { _ in
                Bool.random(using: &random)
                    ? [0xEF, 0x9E, 0x9F, 0x80, 0xBF, 0x41][Int.random(in: 0..<6, using: &random)]
                    : UInt8.random(in: 1...255, using: &random)
            }
            let text = String(path: name)
            #expect(text.pathBytes == name)
            #expect(seen.updateValue(name, forKey: text).map { $0 == name } ?? true)
        }
    }
}

import Testing
import ZeroMQ

@Suite("CURVE keys")
struct CurveKeyTests {
    @Test("a key's text decodes to the key, which belongs to its secret key")
    func roundTrip() throws {
        let pair = try CurveKeyPair.make()
        #expect(pair.publicKey.text.utf8.count == 40)
        #expect(CurvePublicKey(text: pair.publicKey.text) == pair.publicKey)
        #expect(CurvePublicKey(bytes: pair.publicKey.bytes) == pair.publicKey)
        #expect(try pair.secretKey.publicKey() == pair.publicKey)
        #expect(try CurveKeyPair.make().publicKey != pair.publicKey)
    }

    @Test("the example of RFC 32 decodes to its bytes")
    func example() {
        // "HelloWorld" four times: 0x864FD26F, 0xB559F75B.
        let word: [UInt8] = [0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B]
        #expect(
            CurvePublicKey(text: String(repeating: "HelloWorld", count: 4))?.bytes
                == Array([[UInt8]](repeating: word, count: 4).joined()))
    }

    @Test(
        "what is no key is none",
        arguments: [
            "", "short", String(repeating: "a", count: 39), String(repeating: "a", count: 41),
            String(repeating: " ", count: 40), String(repeating: "~", count: 40), String(repeating: "\"", count: 40),
            // Five characters that encode more than 32 bits.
            String(repeating: "#", count: 40), String(repeating: "a", count: 38) + "é",
            String(repeating: "a", count: 20) + "\0" + String(repeating: "a", count: 19),
        ])
    func noKey(text: String) {
        #expect(CurvePublicKey(text: text) == nil)
        #expect(CurveSecretKey(text: text) == nil)
    }

    @Test("a key has 32 bytes", arguments: [0, 31, 33])
    func size(count: Int) {
        #expect(CurvePublicKey(bytes: [UInt8](repeating: 1, count: count)) == nil)
    }

    @Test("no way of printing a secret key reveals it")
    func hidden() throws {
        let pair = try CurveKeyPair.make()
        let secret = pair.secretKey.exportText()
        var dumped = ""
        dump(pair, to: &dumped)
        for text in ["\(pair)", "\(pair.secretKey)", String(reflecting: pair), dumped] {
            #expect(!text.contains(secret))
        }
        #expect("\(pair.secretKey)" == "a secret key")
    }
}

import LockstepDigest
import LockstepTesting
import Testing

@Suite("SHA-256")
struct SHA256Tests {
    /// Messages and digests of FIPS 180-4's examples (NIST, "Examples with Intermediate Values"), and the empty message.
    static let knownAnswers: [(message: [UInt8], digest: String)] = [
        ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
    ]

    @Test("gives the published digests", arguments: knownAnswers)
    func knownAnswer(message: [UInt8], digest: String) {
        #expect(message.withUnsafeBytes { SHA256.hash($0) }.hex == digest)
    }

    @Test("does not depend on how the message is cut", arguments: 1...20 as ClosedRange<UInt64>)
    func chunking(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let message = (0..<Int.random(in: 0...5_000, using: &random)).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        message.withUnsafeBytes { bytes in
            var digest = SHA256()
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + Int.random(in: 0...200, using: &random))
                digest.update(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                start = end
            }
            #expect(digest.finalize() == SHA256.hash(bytes), "seed \(seed), \(bytes.count) bytes")
        }
    }

    @Test("an abandoned digest is released")
    func abandoned() {
        for _ in 0..<1_000 {
            var digest = SHA256()
            [1, 2, 3].withUnsafeBytes { digest.update($0) }
        }
    }
}

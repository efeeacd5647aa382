import LockstepDigest
import Testing

@Suite("A SHA-256 digest")
struct SHA256DigestTests {
    static let hex = "00ff10203040506070809fa0b0c0d0e0f0123456789abcdeffedcba987654321"

    @Test("is written as it was read")
    func roundTrip() {
        let digest = SHA256Digest(hex: Self.hex)
        #expect(digest?.hex == Self.hex)
        #expect(digest?.description == Self.hex)
        #expect(digest?.bytes.prefix(4) == [0x00, 0xff, 0x10, 0x20])
        #expect(digest?.bytes.withUnsafeBytes { SHA256Digest(bytes: $0) } == digest)
    }

    @Test("is read from upper-case digits too")
    func upperCase() {
        #expect(SHA256Digest(hex: Self.hex.uppercased())?.hex == Self.hex)
    }

    @Test(
        "is not read from anything but 64 hexadecimal digits",
        arguments: ["", "00", String(hex.dropLast()), hex + "0", "g" + hex.dropFirst(), "é" + hex.dropFirst(2)])
    func invalid(text: String) {
        #expect(SHA256Digest(hex: text) == nil)
    }

    @Test("is not made of 31 or 33 bytes", arguments: [0, 31, 33])
    func wrongSize(count: Int) {
        #expect([UInt8](repeating: 1, count: count).withUnsafeBytes { SHA256Digest(bytes: $0) } == nil)
    }

    @Test("differs from another in any one bit", arguments: 0..<256)
    func distinct(bit: Int) {
        var bytes = [UInt8](repeating: 0, count: 32)
        let zero = bytes.withUnsafeBytes { SHA256Digest(bytes: $0) }
        bytes[bit / 8] ^= 1 << (bit % 8)
        #expect(bytes.withUnsafeBytes { SHA256Digest(bytes: $0) } != zero)
    }
}

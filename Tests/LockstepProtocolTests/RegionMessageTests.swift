import LockstepProtocol
import LockstepTesting
import Testing

@Suite("Region messages")
struct RegionMessageTests {
    @Test("What is encoded is decoded", arguments: RegionMessage.Kind.allCases)
    func roundTrip(_ kind: RegionMessage.Kind) throws {
        let message = RegionMessage(kind, run: 0xDEAD_BEEF, member: 7, slots: .max)
        #expect(try RegionMessage(decoding: encoded(message).span) == message)
    }

    @Test("The bytes are fixed")
    func layout() {
        let message = RegionMessage(.offer, run: 0x0403_0201, member: 5, slots: 3)
        #expect(encoded(message) == [0x4C, 0x52, 6, 2, 1, 2, 3, 4, 5, 0, 0, 0, 3, 0, 0, 0])
    }

    @Test("Every truncation and every trailing byte is an error")
    func sizes() {
        let bytes = encoded(RegionMessage(.claim, run: 1, member: 2))
        for count in 0..<bytes.count {
            #expect(throws: ProtocolError.self) { try RegionMessage(decoding: Array(bytes[..<count]).span) }
        }
        #expect(throws: ProtocolError.trailingBytes(count: 1)) { try RegionMessage(decoding: (bytes + [0]).span) }
    }

    @Test("Every byte string gives a message or an error, and a message means its bytes")
    func anything() throws {
        var random = SplitMix64(seed: 20)
        for _ in 0..<10_000 {
            var bytes = encoded(RegionMessage(.offer, run: 1, member: 2, slots: 3))
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0 ... .max, using: &random)
            }
            if let message = try? RegionMessage(decoding: bytes.span) { #expect(encoded(message) == bytes) }
        }
    }

    private func encoded(_ message: RegionMessage) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xFF, count: RegionMessage.size)
        bytes.withUnsafeMutableBytes { message.encode(into: $0) }
        return bytes
    }
}

extension RegionMessage {
    fileprivate init(decoding bytes: Span<UInt8>) throws {
        self = try bytes.bytes.withUnsafeBytes { try RegionMessage(decoding: $0) }
    }
}

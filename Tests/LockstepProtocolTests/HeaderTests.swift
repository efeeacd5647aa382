import LockstepProtocol
import LockstepSharding
import LockstepTesting
import Testing

@Suite struct HeaderTests {
    @Test("A header is 32 bytes, each field at its documented offset, little-endian")
    func layout() {
        let header = Header(
            kind: .gradient, run: 0x0403_0201, member: 0x1413_1211, unit: 0x2423_2221, step: 0x3635_3433_3231,
            segment: 0x4241, offset: 0x5453_5251)
        #expect(Header.size == 32)
        #expect(
            header.bytes == [
                0x4C, 0x53, 6, 9,  // magic "LS", version, kind
                0x01, 0x02, 0x03, 0x04,  // run
                0x11, 0x12, 0x13, 0x14,  // member
                0x21, 0x22, 0x23, 0x24,  // unit
                0x31, 0x32, 0x33, 0x34, 0x35, 0x36,  // step
                0x41, 0x42,  // segment
                0x51, 0x52, 0x53, 0x54,  // offset
                0x76, 0xBB, 0x44, 0xFB,  // checksum
            ])
        #expect(Array("LS".utf8) == Array(header.bytes[..<2]))
        #expect(header.node == NodeID(rawValue: 0x2423_2221))
    }

    @Test("Headers survive the way there and back", arguments: 0..<20 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<200 {
            let header = SampleMessages.randomHeader(using: &random)
            #expect(try Header(bytes: header.bytes) == header)
        }
    }

    @Test("Headers are read and written at any address", arguments: 0..<8)
    func unaligned(shift: Int) throws {
        var random = SplitMix64(seed: 1)
        let header = SampleMessages.randomHeader(using: &random)
        var memory = [UInt8](repeating: 0, count: 64)
        let decoded = try memory.withUnsafeMutableBytes { memory in
            let frame = UnsafeMutableRawBufferPointer(rebasing: memory[shift..<shift + Header.size])
            header.encode(into: frame)
            return try Header(decoding: UnsafeRawBufferPointer(frame))
        }
        #expect(decoded == header)
        #expect(memory[..<shift].allSatisfy { $0 == 0 } && memory[(shift + Header.size)...].allSatisfy { $0 == 0 })
    }

    @Test("A header that is too short or too long is an error", arguments: 0..<64)
    func size(count: Int) {
        let bytes = Array((Header(kind: .assign).bytes + Header(kind: .assign).bytes)[..<count])
        let expected: ProtocolError? =
            switch count {
            case Header.size: nil
            case ..<4: .truncated(needed: count < 2 ? 2 : count + 1, found: count)
            case ..<Header.size: .truncated(needed: Header.size, found: count)
            default: .trailingBytes(count: count - Header.size)
            }
        #expect(Header.error(decoding: bytes) == expected)
    }

    @Test(
        "Each flipped bit gives another header or a typed error, by the field it lies in",
        arguments: MessageKind.allCases)
    func bitFlips(kind: MessageKind) throws {
        let header = Header(kind: kind, run: 7, member: 3, unit: 5, step: 1 << 40, segment: 2, offset: 262_144)
        for bit in 0..<Header.size * 8 {
            var bytes = header.bytes
            bytes[bit / 8] ^= 1 << (bit % 8)
            switch Result(catching: { () throws(ProtocolError) in try Header(bytes: bytes) }) {
            case .success(let other):
                #expect(bit >= 24 && (bit >= 224) == (other == header))
                #expect(throws: ProtocolError.damaged) { try verify(bytes) }
            case .failure(.wrongMagic):
                #expect(bit < 16)
            case .failure(.wrongVersion(let found)):
                #expect((16..<24).contains(bit) && found == bytes[2])
            case .failure(.unknownKind(let found)):
                #expect((24..<32).contains(bit) && found == bytes[3])
            case .failure(let error):
                Issue.record("bit \(bit): \(error)")
            }
        }
    }

    @Test("The checksum finds each flipped bit of a message, and a payload that is missing, shorter or longer")
    func checksum() throws {
        let payload = (0..<40).map { UInt8($0 * 37 % 251) }
        var frame = [UInt8](repeating: 0, count: Header.size)
        let header = Header(kind: .gradient, run: 7, member: 3, unit: 5, step: 9, segment: 2, offset: 40)
        payload.withUnsafeBytes { payload in frame.withUnsafeMutableBytes { header.encode(into: $0, payload: payload) }
        }
        try verify(frame, payload)
        for bit in 0..<frame.count * 8 {
            var damaged = frame
            damaged[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: ProtocolError.damaged) { try verify(damaged, payload) }
        }
        for bit in 0..<payload.count * 8 {
            var damaged = payload
            damaged[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: ProtocolError.damaged) { try verify(frame, damaged) }
        }
        for other in [Array(payload.dropLast()), payload + [0], []] {
            #expect(throws: ProtocolError.damaged) { try verify(frame, other) }
        }
        #expect(throws: ProtocolError.damaged) { try verify(frame) }
        #expect(throws: ProtocolError.truncated(needed: 32, found: 31)) { try verify(Array(frame.dropLast()), payload) }
    }

    private func verify(_ frame: [UInt8], _ payload: [UInt8]? = nil) throws(ProtocolError) {
        try frame.span.bytes.withUnsafeBytes { frame throws(ProtocolError) in
            guard let payload else { return try Header.verify(frame, payload: nil) }
            try payload.span.bytes.withUnsafeBytes { payload throws(ProtocolError) in
                try Header.verify(frame, payload: payload)
            }
        }
    }

    @Test("Another version is named as such even if its header has another size")
    func otherVersion() {
        #expect(throws: ProtocolError.wrongVersion(found: 1)) { try Header(bytes: [0x4C, 0x53, 1, 1]) }
        #expect(throws: ProtocolError.wrongVersion(found: 0)) {
            try Header(bytes: [0x4C, 0x53, 0] + Array(repeating: 0, count: 61))
        }
        #expect(throws: ProtocolError.wrongMagic(found: 0x4547)) { try Header(bytes: Array("GET / HTTP/1.1".utf8)) }
    }

    @Test("An evaluation unit packs a split and a block")
    func evaluationUnit() {
        let unit = EvaluationUnit(split: 2, block: 49)
        #expect(unit.rawValue == 0x0200_0031)
        for (split, block) in [(0, 0), (1, 1), (255, EvaluationUnit.blockLimit - 1)] as [(UInt8, Int)] {
            let unit = EvaluationUnit(rawValue: EvaluationUnit(split: split, block: block).rawValue)
            #expect(unit.split == split && unit.block == block)
        }
    }
}

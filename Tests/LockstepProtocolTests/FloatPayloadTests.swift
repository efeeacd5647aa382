import LockstepProtocol
import LockstepSharding
import Testing

@Suite struct FloatPayloadTests {
    private static let layout = ChunkLayout(segments: [0..<10, 10..<10, 10..<14], maximumElements: 4)

    private func part(_ header: Header, bytes: Int) throws -> ChunkPart {
        try FloatPayload.part(of: header, payloadBytes: bytes, in: Self.layout)
    }

    @Test("Each chunk is found by its header and size", arguments: [MessageKind.parameters, .gradient])
    func chunks(kind: MessageKind) throws {
        for (index, chunk) in Self.layout.chunks.enumerated() {
            let header = Header(kind: kind, segment: UInt16(chunk.segment), offset: UInt32(chunk.offset))
            #expect(try part(header, bytes: 4 * chunk.range.count) == Self.layout.whole(index))
        }
    }

    @Test("Sizes that are no floats are an error", arguments: [-4, 0, 1, 15, 17, (1 << 20) + 4, Int.max, Int.min])
    func sizes(bytes: Int) {
        #expect(throws: ProtocolError.payloadSize(kind: .gradient, found: bytes)) {
            try part(Header(kind: .gradient), bytes: bytes)
        }
    }

    @Test("A chunk of bfloat16 has half the bytes, and neither size is taken for the other")
    func halves() throws {
        for (index, chunk) in Self.layout.chunks.enumerated() {
            let header = Header(kind: .gradient, segment: UInt16(chunk.segment), offset: UInt32(chunk.offset))
            func find(bytes: Int, elementSize: Int) throws -> ChunkPart {
                try FloatPayload.part(of: header, payloadBytes: bytes, elementSize: elementSize, in: Self.layout)
            }
            #expect(try find(bytes: 2 * chunk.range.count, elementSize: 2) == Self.layout.whole(index))
            #expect(throws: ProtocolError.self) { try find(bytes: 4 * chunk.range.count, elementSize: 2) }
            #expect((try? find(bytes: 2 * chunk.range.count, elementSize: 4))?.isWhole != true)
            #expect(throws: ProtocolError.self) { try find(bytes: 2 * chunk.range.count + 1, elementSize: 2) }
        }
    }

    @Test("Elements that don't lie within one chunk are an error")
    func noChunk() {
        let wrong: [(segment: UInt16, offset: UInt32, elements: Int)] = [
            (0, 0, 5), (0, 2, 4), (0, 8, 4), (0, 12, 1), (1, 0, 1), (3, 0, 4), (.max, 0, 4), (0, .max, 4), (2, 4, 4),
        ]
        for (segment, offset, elements) in wrong {
            #expect(throws: ProtocolError.notAChunk(segment: segment, offset: offset, payloadBytes: 4 * elements)) {
                try part(Header(kind: .parameters, segment: segment, offset: offset), bytes: 4 * elements)
            }
        }
    }

    @Test("Kinds without floats have no chunk", arguments: MessageKind.allCases)
    func otherKinds(kind: MessageKind) {
        guard !kind.carriesFloats else { return }
        #expect(throws: ProtocolError.payloadSize(kind: kind, found: 16)) {
            try part(Header(kind: kind), bytes: 16)
        }
    }

    @Test("The largest chunk fills the largest frame")
    func largest() throws {
        let layout = ChunkLayout(segments: [0..<300_000])
        let header = Header(kind: .gradient)
        let part = try FloatPayload.part(of: header, payloadBytes: MessageKind.payloadLimit, in: layout)
        #expect(part == layout.whole(0))
        #expect(ChunkLayout.maximumElements * FloatPayload.elementSize == MessageKind.payloadLimit)
    }

    @Test(
        "A chunk is cut into frames that fit the link, and these are its parts in order",
        arguments: [0, 1, 4_096, 5_001, 65_536, 1 << 20], [2, 4])
    func frames(limit: Int, elementSize: Int) throws {
        let layout = ChunkLayout(segments: [0..<7, 7..<300_007])
        let chunk = layout.chunks[2]
        let header = Header(
            kind: .gradient, unit: 5, step: 9, segment: UInt16(chunk.segment), offset: UInt32(chunk.offset))
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: elementSize * chunk.range.count, alignment: 4)
        defer { memory.deallocate() }
        let bytes = UnsafeRawBufferPointer(memory)
        var (next, sizes, parts): (Int, [Int], [ChunkPart]) = (0, [], [])
        try FloatPayload.forEachFrame(header, bytes, elementSize: elementSize, limit: limit) { header, frame in
            #expect(frame.baseAddress == bytes.baseAddress.map { $0 + next })
            #expect(header.unit == 5 && header.step == 9 && header.segment == 1)
            parts.append(
                try FloatPayload.part(of: header, payloadBytes: frame.count, elementSize: elementSize, in: layout))
            next += frame.count
            sizes.append(frame.count)
        }
        #expect(next == bytes.count && parts.allSatisfy { $0.chunk == 2 } && parts.last?.isLast == true)
        #expect(parts.first?.elements.lowerBound == 0)
        #expect(zip(parts, parts.dropFirst()).allSatisfy { $0.elements.upperBound == $1.elements.lowerBound })
        #expect(sizes.allSatisfy { $0 <= max(limit, FloatPayload.smallestFrame) })
        #expect(limit < bytes.count || sizes == [bytes.count])
    }

    @Test("Floats are read from any address", arguments: 0..<8)
    func unaligned(shift: Int) {
        let floats: [Float] = [1, -0.0, .pi, .infinity, .leastNonzeroMagnitude]
        let memory =
            Array(repeating: 0xAA, count: shift)
            + floats.flatMap { float in
                withUnsafeBytes(of: float.bitPattern.littleEndian) { Array($0) }
            }
        var copied = [Float](repeating: 0, count: floats.count)
        memory.withUnsafeBytes { memory in
            copied.withUnsafeMutableBufferPointer {
                FloatPayload.copy(UnsafeRawBufferPointer(rebasing: memory[shift...]), to: $0)
            }
        }
        #expect(copied.map(\.bitPattern) == floats.map(\.bitPattern))
    }
}

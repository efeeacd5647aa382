import LockstepProtocol
import LockstepTesting
import Testing

@Suite struct MessageBodyTests {
    @Test("Bodies survive the way there and back", arguments: 0..<20 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<60 {
            let body = SampleMessages.randomBody(using: &random)
            let decoded = try type(of: body).init(bytes: body.encoded())
            #expect(body.isEqual(to: decoded), "\(body)")
        }
    }

    @Test("Bodies have these bytes")
    func bytes() {
        #expect(
            Hello(programVersion: "1.2", host: "ä", processID: 0x0403_0201, processes: 0x0201).encoded()
                == [3, 0] + Array("1.2".utf8) + [2, 0, 0xC3, 0xA4, 1, 2, 3, 4, 1, 2])
        #expect(
            Ready(kernel: "k", fingerprint: [BlockDigest(rows: 258, digest: Array(0..<32))]).encoded()
                == [1, 0, 0x6B, 1, 0, 2, 1, 0, 0] + Array(0..<32))
        #expect(Refusal(code: .ending, message: "x").encoded() == [6, 0, 1, 0, 0x78])
        #expect(Goodbye(code: .failed, message: "").encoded() == [3, 0, 0, 0])
        #expect(
            NodeResult(lossSum: 1, computeNanoseconds: 0x0807_0605_0403_0201).encoded()
                == [0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 1, 2, 3, 4, 5, 6, 7, 8])
        #expect(
            BlockResult(lossSum: -2, computeNanoseconds: 1, correct: 2, total: 3, predictions: [7: 256, 3: 4])
                .encoded()
                == [0, 0, 0, 0, 0, 0, 0, 0xC0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]
                + [2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 7, 0, 0, 0, 0, 1, 0, 0])
    }

    @Test("A hello of no process, or of more than a mini-batch has shards, is an error", arguments: [0, 1_025, 65_535])
    func impossibleProcesses(count: UInt16) {
        let bytes = Hello(programVersion: "1", host: "h", processID: 1).encoded().dropLast(2)
        let wrong = bytes + [UInt8(truncatingIfNeeded: count), UInt8(count >> 8)]
        #expect(Hello.error(decoding: Array(wrong)) == .inconsistent(.hello))
    }

    @Test("Each body cut short at any byte is an error", arguments: SampleMessages.bodies.indices)
    func truncation(index: Int) {
        let body = SampleMessages.bodies[index]
        let bytes = body.encoded()
        for count in bytes.indices {
            let error = type(of: body).error(decoding: Array(bytes[..<count]))
            guard case .truncated(let needed, let found) = error else {
                Issue.record("\(count) of \(bytes.count) bytes: \(String(describing: error))")
                continue
            }
            #expect(found == count && needed > count && needed <= bytes.count)
        }
    }

    @Test("A byte too many is an error", arguments: SampleMessages.bodies.indices)
    func trailing(index: Int) {
        let body = SampleMessages.bodies[index]
        #expect(type(of: body).error(decoding: body.encoded() + [0]) == .trailingBytes(count: 1))
    }

    @Test(
        "Each flipped bit gives a body with exactly those bytes, or a typed error",
        arguments: SampleMessages.bodies.indices)
    func bitFlips(index: Int) {
        let body = SampleMessages.bodies[index]
        let bytes = body.encoded()
        for bit in 0..<bytes.count * 8 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << (bit % 8)
            type(of: body).expectTotal(flipped)
        }
    }

    @Test("100,000 random byte strings decode to a body with exactly those bytes, or to a typed error")
    func randomBytes() {
        var random = SplitMix64(seed: 20_260_401)
        var valid = 0
        for _ in 0..<100_000 {
            var bytes = SampleMessages.bytes(count: Int.random(in: 0...48, using: &random), using: &random)
            // Half of them with small numbers in front, where lengths and codes stand, to get further.
            if Bool.random(using: &random) {
                for index in bytes.indices.prefix(4) { bytes[index] &= index.isMultiple(of: 2) ? 7 : 0 }
            }
            valid += SampleMessages.types.count { $0.expectTotal(bytes) }
        }
        #expect(valid > 2000)
    }

    @Test("100,000 random headers with our magic decode to those bytes, or to a typed error")
    func randomHeaders() {
        var random = SplitMix64(seed: 20_260_402)
        var valid = 0
        for _ in 0..<100_000 {
            var bytes = SampleMessages.bytes(count: Int.random(in: 28...36, using: &random), using: &random)
            bytes.replaceSubrange(..<3, with: [0x4C, 0x53, Header.version])
            bytes[3] &= 15
            guard let header = try? Header(bytes: bytes) else { continue }
            valid += 1
            // The last four bytes are the checksum.
            #expect(header.bytes.prefix(28) == bytes.prefix(28))
        }
        #expect(valid > 5000)
    }

    @Test("Lists that claim more than is there, or than is allowed, are refused before memory is taken")
    func claims() {
        let head: [UInt8] = Array(repeating: 0, count: 24)
        #expect(
            BlockResult.error(decoding: head + [0xFF, 0xFF, 0xFF, 0xFF])
                == .tooManyEntries(found: Int(UInt32.max), limit: 1_000))
        #expect(
            BlockResult.error(decoding: head + [0xE9, 3, 0, 0] + Array(repeating: 0, count: 8 * 1_001))
                == .tooManyEntries(found: 1_001, limit: 1_000))
        #expect(BlockResult.error(decoding: head + [0xE8, 3, 0, 0]) == .truncated(needed: 28 + 8_000, found: 28))
        let class2: [UInt8] = [2, 0, 0, 0, 1, 0, 0, 0]
        #expect(
            BlockResult.error(decoding: head + [2, 0, 0, 0] + class2 + class2) == .inconsistent(.blockResult),
            "a class stands in it once")
        #expect(Ready.error(decoding: [0, 0, 65, 0]) == .tooManyEntries(found: 65, limit: 64))
        #expect(Ready.error(decoding: [0, 0, 64, 0]) == .truncated(needed: 8, found: 4))
        #expect(Goodbye.error(decoding: [1, 0, 1, 4]) == .textTooLong(found: 1025, limit: 1024))
        #expect(Goodbye.error(decoding: [1, 0, 0, 4]) == .truncated(needed: 1028, found: 4))
    }

    @Test("Unknown codes are named")
    func codes() {
        #expect(Refusal.error(decoding: [11, 0, 0, 0]) == .unknownCode(kind: .refuse, found: 11))
        #expect(Refusal.error(decoding: [0, 0, 0, 0]) == .unknownCode(kind: .refuse, found: 0))
        #expect(Goodbye.error(decoding: [1, 1, 0, 0]) == .unknownCode(kind: .goodbye, found: 257))
    }

    @Test("A result is written into whatever memory there is", arguments: 0..<4)
    func resultInPlace(shift: Int) throws {
        let result = NodeResult(lossSum: .nan, computeNanoseconds: 42)
        var memory = [UInt8](repeating: 0, count: 24)
        let decoded = try memory.withUnsafeMutableBytes { memory in
            let frame = UnsafeMutableRawBufferPointer(rebasing: memory[shift..<shift + NodeResult.size])
            result.encode(into: frame)
            return try NodeResult(decoding: UnsafeRawBufferPointer(frame))
        }
        #expect(decoded.lossSum.bitPattern == result.lossSum.bitPattern)
        #expect(decoded.computeNanoseconds == 42)
        #expect(memory[..<shift].allSatisfy { $0 == 0 } && memory[(shift + 16)...].allSatisfy { $0 == 0 })
    }
}

extension MessageBody {
    /// Decoding must not trap, and what it accepts must be what the bytes say, all of them. True if it accepts them.
    @discardableResult
    fileprivate static func expectTotal(_ bytes: [UInt8]) -> Bool {
        guard let body = try? Self(bytes: bytes) else { return false }
        let encoded = body.encoded()
        let isAllowed = encodedSizes.contains(bytes.count)
        #expect(encoded == bytes && isAllowed, "\(body)")
        return true
    }
}

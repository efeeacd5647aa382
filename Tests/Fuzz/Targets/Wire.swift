import LockstepCluster
import LockstepProtocol
import LockstepRuntime
import LockstepSharding

/// The first 32 bytes are the header frame, the rest is the payload frame.
func decodeMessage(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let cut = min(bytes.count, Header.size)
    let payload = UnsafeRawBufferPointer(rebasing: bytes[cut...])
    guard let header = try? Header(decoding: UnsafeRawBufferPointer(rebasing: bytes[..<cut])) else { return false }
    var copy = [UInt8](repeating: 0, count: Header.size)
    copy.withUnsafeMutableBytes { header.encode(into: $0) }
    // The last four bytes are the checksum, which this does not check: the fuzzer could not guess it.
    precondition(copy.prefix(28).elementsEqual(bytes.prefix(28)), "a header that was read is written as it was")
    precondition((try? verify(copy)) != nil, "a header that was written has a wrong checksum")
    if let part = try? FloatPayload.part(of: header, payloadBytes: payload.count, in: layout) {
        precondition(part.elements.upperBound <= layout.chunks[part.chunk].range.count, "a part ends within its chunk")
        var floats = [Float](repeating: 0, count: part.elements.count)
        floats.withUnsafeMutableBufferPointer { FloatPayload.copy(payload, to: $0) }
        return true
    }
    guard header.kind.acceptsPayload(count: payload.count) else { return false }
    switch header.kind {
    case .hello: return decode(Hello.self, payload)
    case .ready: return decode(Ready.self, payload)
    case .refuse: return decode(Refusal.self, payload)
    case .nodeResult: return decode(NodeResult.self, payload)
    case .blockResult: return decode(BlockResult.self, payload)
    case .goodbye: return decode(Goodbye.self, payload)
    case .timeline: return decode(TimelineReport.self, payload)
    case .logLines: return decode(LogLines.self, payload)
    case .evaluate:
        // The split and block that a number names, whatever the number.
        return EvaluationUnit(rawValue: header.unit).block >= 0
    default: return true
    }
}

private func verify(_ header: [UInt8]) throws(ProtocolError) {
    try header.span.bytes.withUnsafeBytes { bytes throws(ProtocolError) in try Header.verify(bytes, payload: nil) }
}

/// Two layers in several chunks each.
private let layout = ChunkLayout(segments: [0..<10, 10..<14], maximumElements: 4)

/// Three bytes each are a part of an answer: segment, offset and elements. Valid: they make a complete answer.
func gatherParts(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let (item, member) = (WorkItem(kind: .node, step: 1, number: 1), MemberID(rawValue: 1))
    var parts = AnswerParts(chunks: layout.chunks.count)
    var seen: Set<Int> = []
    for start in stride(from: 0, to: bytes.count - bytes.count % 3, by: 3) {
        let part = layout.part(segment: Int(bytes[start]), offset: Int(bytes[start + 1]), count: Int(bytes[start + 2]))
        guard let part, (try? parts.insert(part, of: item, from: member)) != nil else { return false }
        let first = layout.chunks[part.chunk].range.lowerBound
        seen.formUnion(first + part.elements.lowerBound..<first + part.elements.upperBound)
    }
    guard parts.isComplete(item, from: member) else { return false }
    precondition(seen == Set(0..<14), "an answer is complete without some of its elements")
    return true
}

/// Decodes a body, and checks that encoding it gives the same bytes.
private func decode<Body: MessageBody>(_: Body.Type, _ payload: UnsafeRawBufferPointer) -> Bool {
    guard let body = try? Body(decoding: payload) else { return false }
    precondition(body.encoded().elementsEqual(payload), "a decoded body has another encoding")
    return true
}

func decodeRegionMessage(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let message = try? RegionMessage(decoding: bytes) else { return false }
    var copy = [UInt8](repeating: 0, count: RegionMessage.size)
    copy.withUnsafeMutableBytes { message.encode(into: $0) }
    precondition(copy.elementsEqual(bytes), "a decoded message has another encoding")
    return true
}

func decodeStatus(_ bytes: UnsafeRawBufferPointer) -> Bool {
    do {
        let report = try StatusReport(decoding: bytes)
        for worker in report.cluster.workers { _ = report.isSlow(worker) }
        return true
    } catch {
        precondition(!"\(error)".isEmpty, "an error without words")
        return false
    }
}

func decodeWelcome(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let welcome = try? Welcome(decoding: bytes) else { return false }
    guard (try? welcome.check()) != nil else { return false }
    precondition((try? welcome.encoded()) != nil, "a welcome that was read can be written")
    return true
}

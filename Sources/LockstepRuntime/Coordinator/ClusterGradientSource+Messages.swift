import LockstepCluster
import LockstepData
import LockstepNetwork
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import LockstepSystem
import LockstepTraining
import ZeroMQ

/// What comes in: messages become events, and gradients go straight into the reducer.
extension ClusterGradientSource {
    func take(_ event: CoordinatorLink.Event, _ push: (PartialResult) throws -> Void) throws {
        switch event {
        case .lost(let peer):
            try handle(.peerLost(peer, reason: "its connection ended"), push)
        case .garbage(let peer, let error):
            try breach(peer, error, push)
        case .turnedAway(let reason):
            announce(.connectionRejected(reason))
        case .message(let peer, let header, let hasPayload):
            do {
                try take(header, hasPayload: hasPayload, from: peer, push)
            } catch let error as ProtocolError {
                try breach(peer, error, push)
            }
        }
    }

    /// A peer that breaks the protocol is told so and is no longer a member.
    func breach(_ peer: PeerID, _ error: ProtocolError, _ push: (PartialResult) throws -> Void) throws {
        let refusal = Refusal(code: error.refusalCode, message: "\(error)")
        try link.send(to: peer, Header(kind: .refuse), copying: refusal.encoded())
        try handle(.peerLost(peer, reason: "it broke the protocol: \(error)"), push)
    }

    func take(
        _ header: Header, hasPayload: Bool, from peer: PeerID, _ push: (PartialResult) throws -> Void
    ) throws {
        if header.kind == .ping || header.kind == .statusRequest { return try tell(header, hasPayload, to: peer) }
        let member = MemberID(rawValue: header.member)
        guard header.kind == .hello || header.run == run else { return try handle(.stranger(peer), push) }
        let size = hasPayload ? link.payload.count : 0
        guard header.kind.acceptsPayload(count: size) else {
            throw ProtocolError.payloadSize(kind: header.kind, found: size)
        }
        switch header.kind {
        case .hello:
            try handle(.hello(peer, try decode()), push)
        case .ready:
            try takeReady(header, from: peer, member, push)
        case .dataRequest:
            try handle(.dataRequested(peer, member, offset: header.step, count: Int(header.offset)), push)
        case .gradient:
            try takeGradient(header, from: peer, member, push)
        case .nodeResult:
            let unit = WorkItem(kind: .node, step: header.step, number: header.unit)
            let result: NodeResult = try decode()
            if machine.peer(of: member) == peer { paces.add(member, result.computeNanoseconds) }
            timeline?.mark(.arrival, member: member.rawValue, unit: unit, isAnswer: true)
            if unit.number != 0, machine.expects(unit, from: peer, member) {
                computedBy[unit.node] = member
                try readGradient(of: unit, from: member, push)
                guard region(of: member) != nil || parts.isComplete(unit, from: member) else {
                    throw ProtocolError.inconsistent(.nodeResult)
                }
                try receive(.lossSum(unit.node, result.lossSum), from: member, push)
            }
            try handle(.answered(peer, member, unit), push)
        case .blockResult:
            let unit = WorkItem(kind: .block, step: header.step, number: header.unit)
            let result: BlockResult = try decode()
            if machine.expects(unit, from: peer, member) { scores[unit.number] = try score(result, of: unit) }
            try handle(.answered(peer, member, unit), push)
        case .timeline:
            takeTimeline(try decode(), from: member)
        case .logLines:
            try keep(decode(), of: member, from: peer)
        case .goodbye:
            try handle(.goodbye(peer, member, try decode()), push)
        case .welcome, .refuse, .dataChunk, .assign, .parameters, .evaluate, .ping, .pong, .statusRequest, .status,
            .timelineRequest:
            throw ProtocolError.unexpectedKind(header.kind)
        }
    }

    /// Keeps what a member's log says last until its failure is told. However much is sent, each has one such text.
    private func keep(_ log: LogLines, of member: MemberID, from peer: PeerID) {
        guard machine.peer(of: member) == peer else { return }
        lastWords = lastWords.filter { machine.peer(of: $0.key) != nil }
        lastWords[member] = log.lines
    }

    func decode<Body: MessageBody>() throws(ProtocolError) -> Body {
        try link.payload.withUnsafeBytes { bytes throws(ProtocolError) in try Body(decoding: bytes) }
    }

    /// Hands a chunk of a gradient on to the reducer, unless its node is not wanted (any more).
    func takeGradient(
        _ header: Header, from peer: PeerID, _ member: MemberID, _ push: (PartialResult) throws -> Void
    ) throws {
        guard region(of: member) == nil else { throw ProtocolError.unexpectedKind(.gradient) }
        let unit = WorkItem(kind: .node, step: header.step, number: header.unit)
        let chunk = try FloatPayload.chunkIndex(
            of: header, payloadBytes: link.payload.count, elementSize: wire.elementSize, in: chunks)
        guard machine.expects(unit, from: peer, member) else { return }
        if parts.insert(chunk, of: unit, from: member) { try handle(.answering(peer, member, unit), push) }
        computedBy[unit.node] = member
        inlinePayloadBytes += UInt64(link.payload.count)
        try link.payload.withUnsafeBytes { bytes in
            try receive(.gradient(unit.node, chunk: chunk, floats(in: bytes), isStable: false), from: member, push)
        }
    }

    /// Hands part of an answer on; in an audit it waits for the other copy.
    func receive(
        _ result: PartialResult, from member: MemberID, _ push: (PartialResult) throws -> Void
    ) throws {
        if machine.isAudited { ledger.take(result, from: member) } else { try push(result) }
    }

    /// The payload as floats; libzmq may place it at any address, and floats want a multiple of four. Those that do not
    /// stand in it are valid until the next call.
    func floats(in bytes: UnsafeRawBufferPointer) -> UnsafePointer<Float> {
        guard wire == .float32 else {
            if let base = bytes.baseAddress {
                decodeBFloat16(base, into: realigned.pointer, count: bytes.count / wire.elementSize)
            }
            return UnsafePointer(realigned.pointer)
        }
        if let base = bytes.baseAddress, UInt(bitPattern: base) % 4 == 0 {
            return base.assumingMemoryBound(to: Float.self)
        }
        UnsafeMutableRawBufferPointer(realigned.buffer).copyMemory(from: bytes)
        return UnsafePointer(realigned.pointer)
    }

    func score(_ result: BlockResult, of unit: WorkItem) throws(ProtocolError) -> BlockScore {
        let predictions = result.predictions.map(Int.init)
        guard
            Int(result.total) == samples(in: EvaluationUnit(rawValue: unit.number)),
            result.correct <= result.total, predictions.count == classes,
            predictions.reduce(0, +) == Int(result.total)
        else { throw ProtocolError.inconsistent(.blockResult) }
        return BlockScore(
            correct: Int(result.correct), total: Int(result.total), lossSum: result.lossSum, predictions: predictions)
    }

    func samples(in unit: EvaluationUnit) -> Int {
        guard let split = unit.dataSplit else { return 0 }
        let blocks = BlockPartition(dataset.indices(of: split), rows: BlockPartition.evaluationRows)
        return unit.block < blocks.count ? blocks[unit.block].count : 0
    }
}

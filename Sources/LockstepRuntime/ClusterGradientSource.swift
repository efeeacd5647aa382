import LockstepCluster
import LockstepData
import LockstepNetwork
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepTraining
import ZeroMQ

/// The gradient source of a coordinator: workers compute, over ZeroMQ.
///
/// A thin loop around ``CoordinatorMachine``, which decides everything: messages become events, actions become
/// messages, and gradients go past it straight into the reducer.
final class ClusterGradientSource: GradientSource {
    let link: CoordinatorLink
    private var machine: CoordinatorMachine
    private var poller: Poller
    /// What the machine wants done.
    private var actions: [CoordinatorAction] = []
    private let run: UInt32
    private let welcome: [UInt8]
    private let dataset: Dataset
    private let chunks: ChunkLayout
    /// Neurons of the output layer.
    private let classes: Int
    private let supervision: Supervision
    private var parameters: VersionedParameters
    private var scores: [UInt32: BlockScore] = [:]
    /// Whether the first workers are still awaited.
    private var isGathering = true
    private var inlinePayloadBytes: UInt64 = 0
    private var realigned: FloatBuffer
    /// Whose answer to a node of the step was taken.
    private var contributors: [NodeID: MemberID] = [:]

    /// What the loop asks of the process around it.
    struct Supervision {
        /// Told of joins, losses and refusals.
        var notify: (ClusterNotice) -> Void
        /// Throws when it makes no sense to wait on: the process was asked to stop, or its own workers all died.
        var check: (_ isGathering: Bool, _ activeWorkers: Int) throws -> Void
        /// Descriptors whose readiness should end a wait.
        var descriptors: [Int32]
    }

    init(
        link: CoordinatorLink, context: Context, terms: CoordinatorMachine.Terms, welcome: [UInt8], run: UInt32,
        dataset: Dataset, layout: ParameterLayout, parameters: VersionedParameters, supervision: Supervision
    ) {
        self.link = link
        self.machine = CoordinatorMachine(terms: terms, now: .now)
        self.poller = Poller(context: context)
        self.run = run
        self.welcome = welcome
        self.dataset = dataset
        self.chunks = layout.chunks
        self.classes = layout.outputs
        self.parameters = parameters
        self.supervision = supervision
        self.realigned = FloatBuffer(count: ChunkLayout.maximumElements)
        link.register(in: &poller)
        for descriptor in supervision.descriptors { _ = poller.add(descriptor: descriptor) }
        actions.reserveCapacity(256)
    }

    // MARK: - Gradient source

    var workers: Int { machine.activeCount }

    var membership: MembershipCounts {
        var counts = MembershipCounts()
        counts.lost = machine.counts.lost
        counts.joined = machine.counts.joined
        counts.shardsReassigned = machine.counts.shardsReassigned
        counts.inlinePayloadBytes = inlinePayloadBytes
        counts.isBitwiseReproducible = machine.counts.isBitwiseReproducible
        return counts
    }

    /// Waits for the workers that the first step needs.
    func gather() throws {
        while !machine.canStart { try turn { _ in } }
        isGathering = false
    }

    func gradients(
        of batch: Batch, parameters: VersionedParameters, push: (Contribution) throws -> Void
    ) throws {
        self.parameters = parameters
        contributors.removeAll(keepingCapacity: true)
        try handle(.beginStep(batch.step, batch.tree))
        while !machine.isRoundComplete { try turn(push) }
    }

    func contributor(of node: NodeID) -> String? {
        contributors[node].map { machine.name(of: $0) }
    }

    func publish(version: UInt64, chunk: Int) throws {
        try handle(.chunkUpdated(version: version, chunk: chunk))
    }

    func evaluate(_ splits: [Split], parameters: VersionedParameters) throws -> [SplitScore] {
        self.parameters = parameters
        scores.removeAll(keepingCapacity: true)
        let units = splits.map { split in
            let samples = dataset.samples(of: split)
            let blocks = BlockPartition(samples, rows: BlockPartition.evaluationRows).count
            return (0..<blocks).map { EvaluationUnit(split, block: $0).rawValue }
        }
        try handle(.beginEvaluation(version: parameters.version, blocks: units.flatMap { $0 }))
        while !machine.isRoundComplete { try turn { _ in } }
        return units.map { numbers in
            SplitScore(blocks: numbers.compactMap { scores[$0] }, classes: classes)
        }
    }

    /// Tells every worker that the run is over, and closes the socket.
    func finish(_ goodbye: Goodbye) throws {
        try handle(.stop(goodbye))
        link.close()
    }

    // MARK: - The loop

    /// Waits for something to happen, and takes it in.
    private func turn(_ push: (Contribution) throws -> Void) throws {
        try link.flush()
        let timeout = link.hasNews ? 0 : Poller.timeout(until: machine.nextDeadline, now: .now)
        _ = try poller.wait(timeoutMilliseconds: timeout)
        var isQuiet = true
        while let event = try link.receive() {
            try take(event, push)
            if case .message = event { isQuiet = false }
            // What the last answer makes possible goes before what else may have come.
            if !isGathering && machine.isRoundComplete { return }
        }
        if let deadline = machine.nextDeadline, deadline <= .now { try handle(.tick) }
        if isQuiet { try supervision.check(isGathering, machine.activeCount) }
    }

    private func take(_ event: CoordinatorLink.Event, _ push: (Contribution) throws -> Void) throws {
        switch event {
        case .lost(let peer):
            try handle(.peerLost(peer, reason: "its connection ended"))
        case .garbage(let peer, let error):
            try breach(peer, error)
        case .message(let peer, let header, let hasPayload):
            do {
                try take(header, hasPayload: hasPayload, from: peer, push)
            } catch let error as ProtocolError {
                try breach(peer, error)
            }
        }
    }

    /// A peer that breaks the protocol is told so and is no longer a member.
    private func breach(_ peer: PeerID, _ error: ProtocolError) throws {
        let refusal = Refusal(code: error.refusalCode, message: "\(error)")
        try link.send(to: peer, Header(kind: .refuse), copying: refusal.encoded())
        try handle(.peerLost(peer, reason: "it broke the protocol: \(error)"))
    }

    private func take(
        _ header: Header, hasPayload: Bool, from peer: PeerID, _ push: (Contribution) throws -> Void
    ) throws {
        let member = MemberID(rawValue: header.member)
        guard header.kind == .hello || header.run == run else { return try handle(.stranger(peer)) }
        let size = hasPayload ? link.payload.count : 0
        guard header.kind.acceptsPayload(count: size) else {
            throw ProtocolError.payloadSize(kind: header.kind, found: size)
        }
        switch header.kind {
        case .hello:
            try handle(.hello(peer, try decode()))
        case .ready:
            try handle(.ready(peer, member, try decode()))
        case .dataRequest:
            try handle(.dataRequested(peer, member, offset: header.step, count: Int(header.offset)))
        case .gradient:
            try takeGradient(header, from: peer, member, push)
        case .nodeResult:
            let unit = WorkUnit(kind: .node, step: header.step, number: header.unit)
            let result: NodeResult = try decode()
            if unit.number != 0, machine.expects(unit, from: peer, member) {
                contributors[unit.node] = member
                try push(.loss(unit.node, result.loss))
            }
            try handle(.answered(peer, member, unit))
        case .blockResult:
            let unit = WorkUnit(kind: .block, step: header.step, number: header.unit)
            let result: BlockResult = try decode()
            if machine.expects(unit, from: peer, member) { scores[unit.number] = try score(result, of: unit) }
            try handle(.answered(peer, member, unit))
        case .goodbye:
            try handle(.goodbye(peer, member, try decode()))
        case .welcome, .refuse, .dataChunk, .assign, .parameters, .evaluate:
            throw ProtocolError.unexpectedKind(header.kind)
        }
    }

    private func decode<Body: MessageBody>() throws(ProtocolError) -> Body {
        try link.payload.withUnsafeBytes { bytes throws(ProtocolError) in try Body(decoding: bytes) }
    }

    /// Hands a chunk of a gradient on to the reducer, unless its node is not wanted (any more).
    private func takeGradient(
        _ header: Header, from peer: PeerID, _ member: MemberID, _ push: (Contribution) throws -> Void
    ) throws {
        let unit = WorkUnit(kind: .node, step: header.step, number: header.unit)
        let chunk = try FloatPayload.chunkIndex(of: header, payloadBytes: link.payload.count, in: chunks)
        guard unit.number != 0, machine.expects(unit, from: peer, member) else { return }
        contributors[unit.node] = member
        inlinePayloadBytes += UInt64(link.payload.count)
        try link.payload.withUnsafeBytes { bytes in
            try push(.gradient(unit.node, chunk: chunk, floats(in: bytes), isStable: false))
        }
    }

    /// The payload as floats; libzmq may place it at any address, and floats want a multiple of four.
    private func floats(in bytes: UnsafeRawBufferPointer) -> UnsafePointer<Float> {
        if let base = bytes.baseAddress, UInt(bitPattern: base) % 4 == 0 {
            return base.assumingMemoryBound(to: Float.self)
        }
        UnsafeMutableRawBufferPointer(realigned.buffer).copyMemory(from: bytes)
        return UnsafePointer(realigned.pointer)
    }

    private func score(_ result: BlockResult, of unit: WorkUnit) throws(ProtocolError) -> BlockScore {
        let predictions = result.predictions.map(Int.init)
        guard
            Int(result.total) == samples(in: EvaluationUnit(rawValue: unit.number)),
            result.correct <= result.total, predictions.count == classes,
            predictions.reduce(0, +) == Int(result.total)
        else { throw ProtocolError.inconsistent(.blockResult) }
        return BlockScore(
            correct: Int(result.correct), total: Int(result.total), cost: result.cost, predictions: predictions)
    }

    private func samples(in unit: EvaluationUnit) -> Int {
        guard let split = unit.dataSplit else { return 0 }
        let blocks = BlockPartition(dataset.samples(of: split), rows: BlockPartition.evaluationRows)
        return unit.block < blocks.count ? blocks[unit.block].count : 0
    }

    // MARK: - Actions

    private func handle(_ event: CoordinatorEvent) throws {
        machine.handle(event, now: .now, into: &actions)
        var index = 0
        while index < actions.count {
            try perform(actions[index])
            index += 1
        }
        actions.removeAll(keepingCapacity: true)
    }

    private func perform(_ action: CoordinatorAction) throws {
        switch action {
        case .welcome(let peer, let member):
            try link.send(to: peer, header(.welcome, member), copying: welcome)
        case .refuse(let peer, let refusal):
            try link.send(to: peer, Header(kind: .refuse, run: run), copying: refusal.encoded())
        case .sendData(let peer, let member, let offset, let count):
            let start = Int(offset)
            let bytes = UnsafeRawBufferPointer(rebasing: dataset.bytes[start..<start + count])
            try link.post(to: peer, header(.dataChunk, member, step: offset), borrowing: bytes)
        case .sendParameters(let peer, let member, let version, let chunk):
            try sendParameters(to: peer, member, version: version, chunk: chunk)
        case .assign(let peer, let member, let unit):
            let kind: MessageKind = unit.kind == .node ? .assign : .evaluate
            try link.post(to: peer, header(kind, member, step: unit.step, unit: unit.number))
        case .dismiss(let peer, let member, let goodbye):
            try link.send(to: peer, header(.goodbye, member), copying: goodbye.encoded())
        case .notify(let notice):
            supervision.notify(notice)
        case .fail(let failure):
            throw failure
        }
    }

    /// Sends a chunk of the weights by reference: it stays as it is until its reader has answered.
    private func sendParameters(to peer: PeerID, _ member: MemberID, version: UInt64, chunk: Int) throws {
        let layout = chunks.chunks[chunk]
        let floats = UnsafeRawBufferPointer(
            UnsafeBufferPointer(rebasing: parameters[version].buffer[layout.range]))
        let header = header(
            .parameters, member, step: version, segment: UInt32(layout.segment), offset: UInt32(layout.offset))
        inlinePayloadBytes += UInt64(floats.count)
        try link.post(to: peer, header, borrowing: floats)
    }

    private func header(
        _ kind: MessageKind, _ member: MemberID, step: UInt64 = 0, unit: UInt32 = 0, segment: UInt32 = 0,
        offset: UInt32 = 0
    ) -> Header {
        Header(
            kind: kind, run: run, member: member.rawValue, unit: unit, step: step, segment: segment, offset: offset)
    }
}

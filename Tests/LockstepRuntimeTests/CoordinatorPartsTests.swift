import LockstepCluster
import LockstepData
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import LockstepTraining
import Testing
import ZeroMQ

@testable import LockstepRuntime

/// The parts of a coordinator, each by itself.
@Suite("Parts of a coordinator")
struct CoordinatorPartsTests {
    private let first = MemberID(rawValue: 1)
    private let second = MemberID(rawValue: 2)
    private let chunks = ChunkLayout(segments: [0..<5, 5..<8], maximumElements: 3)

    private func item(_ number: UInt32, step: UInt64 = 4) -> WorkItem {
        WorkItem(kind: .node, step: step, number: number)
    }

    /// A partial result as text, with its floats.
    private func text(_ result: PartialResult) -> String {
        switch result {
        case .gradient(let node, let chunk, let floats, let isStable):
            let count = chunks.chunks[chunk].range.count
            let values = (0..<count).map { "\(floats[$0])" }.joined(separator: " ")
            return "\(node.rawValue).\(chunk): \(values)\(isStable ? " stable" : "")"
        case .lossSum(let node, let sum):
            return "\(node.rawValue): loss \(sum)"
        case .mismatch(let node):
            return "\(node.rawValue): mismatch"
        }
    }

    private func buffer(_ values: [Float]) -> FloatBuffer {
        let buffer = FloatBuffer(count: values.count)
        for (index, value) in values.enumerated() { buffer.pointer[index] = value }
        return buffer
    }

    // MARK: - Transport in messages

    private func inline(_ dataType: CommunicationDataType = .float32) -> InlineTransport {
        InlineTransport(chunks: chunks, dataType: dataType, headers: RunHeaders(run: 7))
    }

    @Test("A gradient in messages is complete once each of its chunks has arrived, in whatever order")
    func inlineComplete() throws {
        let transport = inline()
        #expect(try transport.add(chunks.whole(2), of: item(3), from: first))
        #expect(try !transport.add(chunks.whole(0), of: item(3), from: first))
        #expect(throws: ProtocolError.inconsistent(.nodeResult)) {
            try transport.complete(item(3), from: first) { _ in }
        }
        #expect(try !transport.add(chunks.whole(1), of: item(3), from: first))
        try transport.complete(item(3), from: first) { _ in Issue.record("everything has been pushed") }
        #expect(throws: ProtocolError.inconsistent(.nodeResult)) {
            try transport.complete(item(3), from: second) { _ in }
        }
        transport.removeAnswer(of: first)
        #expect(throws: ProtocolError.inconsistent(.nodeResult)) {
            try transport.complete(item(3), from: first) { _ in }
        }
    }

    @Test("A chunk's floats are pushed from any address, and its bytes are counted")
    func inlinePush() throws {
        let transport = inline()
        var pushed: [String] = []
        for offset in 0..<5 {
            var bytes = [UInt8](repeating: 0xEE, count: offset + 12)
            bytes.withUnsafeMutableBytes { target in
                for (index, value) in ([1.5, -2, 8] as [Float]).enumerated() {
                    target.storeBytes(of: value, toByteOffset: offset + 4 * index, as: Float.self)
                }
            }
            try bytes.withUnsafeBytes { all in
                let payload = UnsafeRawBufferPointer(rebasing: all[offset...])
                try transport.push(payload, chunks.whole(0), of: NodeID(rawValue: 3), from: first) {
                    pushed.append(text($0))
                }
            }
        }
        #expect(pushed == Array(repeating: "3.0: 1.5 -2.0 8.0", count: 5))
        #expect(transport.payloadBytes == 60)
    }

    @Test("Floats that are sent as bfloat16 are pushed as float32")
    func inlineBFloat16() throws {
        let transport = inline(.bfloat16)
        var pushed: [String] = []
        // 1, -2.5 and 96, the upper halves of their float32.
        let halves: [UInt16] = [0x3F80, 0xC020, 0x42C0]
        try halves.withUnsafeBytes { bytes in
            try transport.push(bytes, chunks.whole(2), of: NodeID(rawValue: 1), from: first) { pushed.append(text($0)) }
        }
        #expect(pushed == ["1.2: 1.0 -2.5 96.0"])
    }

    @Test(
        "A chunk is named by its segment, its offset and its size",
        arguments: [(0, 0, 12, 0), (0, 3, 8, 1), (1, 0, 12, 2), (1, 0, 16, nil), (2, 0, 12, nil), (0, 1, 12, nil)])
    func inlineChunk(segment: UInt16, offset: UInt32, bytes: Int, expected: Int?) {
        let header = Header(kind: .gradient, segment: segment, offset: offset)
        #expect((try? inline().part(of: header, payloadBytes: bytes)) == expected.map { chunks.whole($0) })
        #expect(inline().slot(for: item(3), of: first) == 0)
    }

    @Test("Parts of a chunk are gathered for each member, and pushed as one", arguments: CommunicationDataType.allCases)
    func inlineParts(dataType: CommunicationDataType) throws {
        let transport = inline(dataType)
        let size = dataType.elementSize
        var pushed: [String] = []
        // 1, -2.5 and 96, of which the upper halves are bfloat16.
        let words: [UInt32] = [0x3F80_0000, 0xC020_0000, 0x42C0_0000]
        let bytes = words.flatMap { word in withUnsafeBytes(of: word.littleEndian) { Array($0.suffix(size)) } }
        func send(_ elements: Range<Int>, from member: MemberID) throws {
            let part = ChunkPart(chunk: 2, elements: elements, of: 3)
            _ = try transport.add(part, of: item(1), from: member)
            try bytes.withUnsafeBytes { all in
                let frame = UnsafeRawBufferPointer(
                    rebasing: all[size * elements.lowerBound..<size * elements.upperBound])
                try transport.push(frame, part, of: NodeID(rawValue: 1), from: member) { pushed.append(text($0)) }
            }
        }
        try send(0..<1, from: first)
        try send(0..<2, from: second)
        try send(1..<2, from: first)
        #expect(pushed == [])
        try send(2..<3, from: first)
        #expect(pushed == ["1.2: 1.0 -2.5 96.0"])
        transport.removeAnswer(of: second)
        #expect(throws: ProtocolError.inconsistent(.gradient)) { try send(2..<3, from: second) }
        #expect(transport.payloadBytes == UInt64(5 * size))
    }

    // MARK: - Weights as bfloat16

    @Test("Weights are encoded once for each version, and again for another version")
    func encodedFloats() {
        let encoded = EncodedFloats(chunks: chunks)
        let floats = buffer([1, 2, 3, 4, 5, 6, 7, 8])
        func halves(_ chunk: Int, _ version: UInt64?) -> [UInt16] {
            Array(encoded.bytes(of: chunk, content: version, from: floats).bindMemory(to: UInt16.self))
        }
        #expect(halves(0, 1) == [0x3F80, 0x4000, 0x4040])
        floats.pointer[0] = 96
        #expect(halves(0, 1) == [0x3F80, 0x4000, 0x4040], "the version has not changed")
        #expect(halves(0, 2) == [0x42C0, 0x4000, 0x4040])
        #expect(halves(2, 1) == [0x40C0, 0x40E0, 0x4100])
        floats.pointer[5] = 1
        #expect(halves(2, nil) == [0x3F80, 0x40E0, 0x4100])
    }

    // MARK: - Audits

    @Test("Copies are compared bit for bit, the coordinator's own like any other, and a whole copy is pushed")
    func audit() throws {
        let audit = AuditBuffer(chunks: chunks)
        let node = NodeID(rawValue: 2)
        audit.begin()
        let values = buffer([1, 2, 3, 4, 5, 6, 7, 8])
        for member in [first, second] {
            for (index, chunk) in chunks.chunks.enumerated() {
                audit.add(
                    .gradient(node, chunk: index, values.pointer + chunk.range.lowerBound, isStable: false),
                    from: member)
            }
            audit.add(.lossSum(node, 0.5), from: member)
        }
        #expect(audit.areEqual(node, first, second))
        audit.computeOwn(node) { gradient in
            gradient.pointer.update(from: values.pointer, count: 8)
            gradient.pointer[7] = -gradient.pointer[7]
            return 0.5
        }
        #expect(!audit.areEqual(node, first, nil))
        var pushed: [String] = []
        try audit.release(node, of: nil) { pushed.append(text($0)) }
        #expect(
            pushed == ["2.0: 1.0 2.0 3.0 stable", "2.1: 4.0 5.0 stable", "2.2: 6.0 7.0 -8.0 stable", "2: loss 0.5"])
        audit.begin()
        #expect(!audit.areEqual(node, first, second), "another step has none of these copies")
    }

    @Test("An answer that changes in memory after it was compared is found at the end of the step")
    func changedAnswer() throws {
        let audit = AuditBuffer(chunks: ChunkLayout(segments: [0..<2]))
        let node = item(1).node
        let values = buffer([1, 2])
        audit.begin()
        for member in [first, second] {
            audit.add(.gradient(node, chunk: 0, values.pointer, isStable: false), from: member)
        }
        #expect(audit.confirm(node, first, second) && audit.isIntact)
        try audit.release(node, of: first) { result in
            guard case .gradient(_, _, let floats, _) = result else { return }
            UnsafeMutablePointer(mutating: floats)[1] = 3
        }
        #expect(!audit.isIntact)
        audit.begin()
        #expect(audit.isIntact, "another step has none of these answers")
    }

    @Test("Zeros of both signs and losses that differ in their last bit are different answers")
    func auditBits() {
        let audit = AuditBuffer(chunks: ChunkLayout(segments: [0..<1]))
        let node = NodeID(rawValue: 1)
        func add(_ value: Float, _ loss: Double, _ member: MemberID) {
            let values = buffer([value])
            audit.add(.gradient(node, chunk: 0, values.pointer, isStable: false), from: member)
            audit.add(.lossSum(node, loss), from: member)
        }
        audit.begin()
        add(0, 1, first)
        add(-0.0, 1, second)
        #expect(!audit.areEqual(node, first, second))
        add(0, (1 as Double).nextUp, second)
        #expect(!audit.areEqual(node, first, second))
        add(0, 1, second)
        #expect(audit.areEqual(node, first, second))
    }

    // MARK: - Evaluation

    private func dataset() throws -> Dataset {
        try Dataset.make(
            name: "synthetic", inputSize: 1, features: [UInt8](repeating: 1, count: 1_205),
            labels: (0..<1_205).map { UInt16($0 % 2) }, validation: 1_200, test: 3, classCount: 2)
    }

    @Test("A split's score is the sum of its blocks' scores, and an answer whose numbers do not fit is refused")
    func evaluation() throws {
        let evaluation = EvaluationCollector(dataset: try dataset(), classes: 2)
        let first = evaluation.begin([EvaluationPart(.validation, samples: 700), EvaluationPart(.training, samples: 0)])
        let blocks = evaluation.begin([EvaluationPart(.validation), EvaluationPart(.test)])
        #expect(first == [[blocks[0][0]], []])
        #expect(blocks.map(\.count) == [2, 1])
        func add(
            _ block: UInt32, correct: UInt32, predictions: [UInt32: UInt32], total: UInt32, lossSum: Double
        ) throws {
            try evaluation.add(
                BlockResult(
                    lossSum: lossSum, computeNanoseconds: 1, correct: correct, total: total, predictions: predictions),
                of: WorkItem(kind: .block, step: 0, number: block))
        }
        try add(blocks[0][1], correct: 150, predictions: [0: 200], total: 200, lossSum: 10)
        try add(blocks[0][0], correct: 900, predictions: [0: 400, 1: 600], total: 1_000, lossSum: 50)
        let score = evaluation.score(of: blocks[0])
        #expect(score.correct == 1_050 && score.total == 1_200 && score.predictions == [600, 600])
        #expect(score.meanLoss == 60.0 / 1_200)
        for (correct, predictions, total) in [
            (4, [0: 3], 3), (1, [0: 3, 1: 1], 3), (1, [0: 1, 2: 2], 3), (1, [0: 2], 2),
        ] as [(UInt32, [UInt32: UInt32], UInt32)] {
            #expect(throws: ProtocolError.inconsistent(.blockResult)) {
                try add(blocks[1][0], correct: correct, predictions: predictions, total: total, lossSum: 0)
            }
        }
        evaluation.add(
            BlockScore(correct: 2, total: 3, lossSum: 6, predictions: [0: 1, 1: 2]),
            of: WorkItem(kind: .block, step: 0, number: blocks[1][0]))
        #expect(evaluation.score(of: blocks[1]).meanLoss == 2)
    }

    // MARK: - Reports

    @Test("A member's clock counts as read halfway, and members that do not report are left out")
    func timelines() {
        let collector = TimelineCollector()
        let members = [first, second].map { MemberInfo(id: $0, host: "h", processID: 9) }
        collector.begin()
        for member in members { collector.addRequest(to: member.id) }
        let before = Instant.now.nanoseconds
        collector.receive(TimelineReport(clock: 0, totals: [5], spans: []), from: first)
        let after = Instant.now.nanoseconds
        collector.receive(TimelineReport(clock: 1, totals: [6], spans: []), from: first)
        #expect(collector.isWaiting)
        collector.retain([first])
        #expect(!collector.isWaiting)
        let timelines = collector.timelines(of: members)
        #expect(timelines.count == 1 && timelines[0].totals == [5] && timelines[0].processID == 9)
        #expect(timelines[0].clockOffset <= Int64(after) && timelines[0].clockOffset >= Int64(before) - 1_000_000_000)
    }

    @Test("Answers count for the last request, and a member that does not answer is neither asked again nor waited for")
    func dataChecks() {
        let collector = DataCheckCollector()
        #expect(!collector.isWaiting)
        let firstRequest = collector.begin([first, second])
        #expect(firstRequest.members == [first, second] && collector.isWaiting)
        collector.receive(firstRequest.number, from: first)
        collector.receive(firstRequest.number + 1, from: second)
        #expect(collector.isWaiting, "the second member has not answered this request")
        let secondRequest = collector.begin([first, second])
        #expect(secondRequest.members == [first] && secondRequest.number != firstRequest.number)
        collector.receive(firstRequest.number, from: first)
        #expect(collector.isWaiting)
        collector.receive(secondRequest.number, from: first)
        #expect(!collector.isWaiting)
        collector.receive(firstRequest.number, from: second)
        #expect(collector.begin([second]).members == [second] && collector.isWaiting)
        collector.retain([first])
        #expect(!collector.isWaiting && collector.begin([second]).members == [second])
    }

    @Test("The first worker whose data set has changed is named until the run goes back")
    func dataChange() {
        let collector = DataCheckCollector()
        let workers = [first, second].map { MemberInfo(id: $0, host: "h", processID: $0.rawValue) }
        #expect(collector.faulty == nil)
        for worker in workers { collector.recordChange(of: worker) }
        #expect(collector.faulty == workers[0])
        collector.rewind()
        #expect(collector.faulty == nil)
        collector.recordChange(of: workers[1])
        #expect(collector.faulty == workers[1])
    }

    @Test("The first, the tenth and the hundredth refusal are reported, and a worker's end with its last log lines")
    func notices() {
        var reported: [(notice: ClusterNotice, tail: [String])] = []
        let reporter = NoticeReporter { notice, _, tail in reported.append((notice, tail)) }
        for _ in 0..<100 {
            reporter.report(.refused(host: "h", Refusal(code: .full, message: "full")), step: 1)
        }
        #expect(reported.count == 3)
        reporter.saveLogTail(["a", "b"], of: first) { $0 == first }
        reporter.saveLogTail(["c"], of: second) { _ in true }
        for member in [first, second] {
            let info = MemberInfo(id: member, host: "h", processID: 1)
            reporter.report(.lost(info, reason: "gone", shardsReassigned: 0, active: 0), step: 2)
        }
        #expect(reported.dropFirst(3).map(\.tail) == [["a", "b"], ["c"]])
    }

    @Test("A peer's end is reported once its deferred messages have been handled")
    func peers() {
        var peers = PeerTable()
        let id = PeerID(rawValue: 5)
        let peer = peers.add(id, nil)
        peer.deferred = [.init(.failure(.invalidText))]
        peers.end(peer)
        peers.removeEnded(isDrained: true)
        #expect(peers.hasEnded && peer.hasEnded && peers[id] === peer && peers.popLost() == nil)
        peer.deferred = []
        peers.removeEnded(isDrained: false)
        #expect(peers[id] === peer, "its last message may be unread")
        peers.removeEnded(isDrained: true)
        #expect(peers[id] == nil && peers.popLost() == id && peers.popLost() == nil)
        peers.end(peer)
        peers.removeEnded(isDrained: true)
        #expect(!peers.hasEnded, "it ends once")
    }

    @Test("Lost peers are reported in the order in which their connections ended")
    func lostInOrder() {
        var peers = PeerTable()
        let ids = [7, 3, 5].map { PeerID(rawValue: $0) }
        for id in ids { _ = peers.add(id, nil) }
        for id in ids { if let peer = peers[id] { peers.end(peer) } }
        peers.removeEnded(isDrained: true)
        #expect([peers.popLost(), peers.popLost(), peers.popLost(), peers.popLost()] == ids + [nil])
    }

    // MARK: - A data set in parts

    @Test("A data set is complete when its parts have come in order; other parts are dropped, and damage is found")
    func incomingDataset() throws {
        let dataset = try dataset()
        let bytes = Array(dataset.bytes)
        func received(_ parts: [(offset: Int, bytes: [UInt8])]) throws -> Dataset {
            let incoming = try IncomingDataset(dataset.description)
            #expect(incoming.count == bytes.count)
            for part in parts { incoming.append(try Message(copying: part.bytes), at: UInt64(part.offset)) }
            return try incoming.finish()
        }
        let half = bytes.count / 2
        let (head, tail) = (Array(bytes[..<half]), Array(bytes[half...]))
        let whole = try received([(0, head), (0, head), (half + 1, tail), (half, tail + [1, 2, 3])])
        #expect(Array(whole.bytes) == bytes)
        var damaged = tail
        damaged[damaged.count - 1] ^= 1
        #expect(throws: DataError.self) { try received([(0, head), (half, damaged)]) }
    }
}

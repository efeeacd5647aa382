import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import Testing

@testable import LockstepCluster

@Suite("Parts of chunks")
struct ArrivingChunkTests {
    private let member = MemberID(rawValue: 1)

    private func part(_ chunk: Int, _ elements: Range<Int>, of count: Int = 4) -> ChunkPart {
        ChunkPart(chunk: chunk, elements: elements, of: count)
    }

    @Test("Parts that come in order make chunks, and chunks an answer")
    func order() throws {
        var parts = AnswerParts(chunks: 2)
        let item = WorkItem.node(3)
        #expect(try parts.insert(part(1, 0..<1), of: item, from: member))
        #expect(try !parts.insert(part(1, 1..<3), of: item, from: member))
        #expect(try !parts.insert(part(1, 3..<4), of: item, from: member))
        #expect(!parts.isComplete(item, from: member))
        #expect(try !parts.insert(part(0, 0..<4), of: item, from: member))
        #expect(parts.isComplete(item, from: member))
    }

    @Test("A gap, an overlap, a part that comes twice and a mixture of two chunks are errors")
    func disorder() {
        let wrong = [part(0, 3..<4), part(0, 1..<3), part(0, 0..<2), part(1, 2..<4), part(1, 0..<4), part(0, 0..<4)]
        for next in wrong {
            var parts = AnswerParts(chunks: 2)
            _ = try? parts.insert(part(0, 0..<2), of: .node(3), from: member)
            #expect(throws: ProtocolError.inconsistent(.gradient), "\(next)") {
                try parts.insert(next, of: .node(3), from: member)
            }
        }
        var parts = AnswerParts(chunks: 2)
        #expect(throws: ProtocolError.inconsistent(.gradient)) {
            try parts.insert(part(0, 1..<4), of: .node(3), from: member)
        }
    }

    @Test("An answer that lacks a part is incomplete, and another answer begins anew")
    func incomplete() throws {
        var parts = AnswerParts(chunks: 1)
        _ = try parts.insert(part(0, 0..<3), of: .node(3), from: member)
        #expect(!parts.isComplete(.node(3), from: member))
        #expect(try parts.insert(part(0, 0..<1), of: .node(5), from: member))
        #expect(try !parts.insert(part(0, 1..<4), of: .node(5), from: member))
        #expect(parts.isComplete(.node(5), from: member) && !parts.isComplete(.node(3), from: member))
    }
}

@Suite("The transfer of a data set")
struct DatasetTransferTests {
    /// The sizes of the parts over a link of so many bytes a second.
    private func partSizes(_ total: UInt64, bytesPerSecond: Double) -> [Int] {
        var transfer = DatasetTransfer(total: total)
        var (sizes, underWay, time): ([Int], [(offset: UInt64, count: Int)], Double) = ([], [], 0)
        while !transfer.isComplete {
            while let part = transfer.nextPart(at: .milliseconds(time * 1e3)) {
                underWay.append(part)
                sizes.append(part.count)
            }
            #expect(underWay.count <= DatasetTransfer.maximumPartsUnderWay)
            let next = underWay.removeFirst()
            time += Double(next.count) / bytesPerSecond
            let isNext = transfer.receive(offset: next.offset, count: next.count, at: .milliseconds(time * 1e3))
            #expect(isNext)
        }
        #expect(sizes.reduce(0, +) == Int(total))
        return sizes
    }

    @Test("Parts grow to 1 MiB over a fast link, and stay small enough for the heartbeat over a slow one")
    func sizes() {
        #expect(partSizes(50_000_000, bytesPerSecond: 1e8).max() == 1 << 20)
        for rate in [8_000.0, 32_000, 125_000] {
            let sizes = partSizes(1_000_000, bytesPerSecond: rate)
            #expect(Double(sizes.dropFirst(4).max() ?? 0) / rate < 2, "\(rate): \(sizes)")
        }
        #expect(partSizes(100, bytesPerSecond: 1) == [100])
    }

    @Test("A transfer goes on where an earlier one has ended, and only with the part that was asked for first")
    func resumed() {
        var transfer = DatasetTransfer(total: 20_000, received: 10_000)
        let first = transfer.nextPart(at: .zero)
        #expect(first?.offset == 10_000 && first?.count == 10_000)
        let wrong = [(UInt64(0), 10_000), (10_000, 9_999), (10_001, 10_000), (.max, 1), (10_000, -1 & 0xFFFF)]
        for (offset, count) in wrong {
            let isNext = transfer.receive(offset: offset, count: count, at: .zero)
            #expect(!isNext)
        }
        let isNext = transfer.receive(offset: 10_000, count: 10_000, at: .zero)
        #expect(isNext && transfer.isComplete)
        #expect(DatasetTransfer(total: 5, received: 9).isComplete)
    }
}

@Suite("A link that is slow, or that breaks")
struct SlowLinkTests {
    private let peer = PeerID(rawValue: 1)
    private let tree = SummationTree(shards: 1, samples: 10)

    private func run(_ machine: inout CoordinatorMachine, _ event: CoordinatorEvent, at seconds: Double)
        -> [CoordinatorAction]
    {
        var actions: [CoordinatorAction] = []
        // The clock counts at most a second between two events.
        machine.handle(event, now: .milliseconds(seconds * 1e3), into: &actions)
        return actions
    }

    /// Joins as a new member, and begins a step.
    private func join(_ machine: inout CoordinatorMachine, at seconds: Double) throws -> MemberID {
        var member: MemberID?
        for case .welcome(_, let id) in run(&machine, .hello(peer, ClusterFixture.hello(7)), at: seconds) {
            member = id
        }
        let id = try #require(member)
        _ = run(&machine, .ready(peer, id, ClusterFixture.ready), at: seconds)
        return id
    }

    private func refusals(_ actions: [CoordinatorAction]) -> [Refusal] {
        actions.compactMap { if case .refuse(_, let refusal) = $0 { refusal } else { nil } }
    }

    /// Waits second by second, while bytes move; when the member is refused, and why.
    private func wait(
        _ machine: inout CoordinatorMachine, from start: Int, rate: UInt64?, bytes: UInt64 = 95_000
    ) -> (seconds: Int, refusal: Refusal)? {
        for second in start + 1..<start + 200 {
            if let rate {
                let event = CoordinatorEvent.transferring(peer, bytesPerSecond: rate, gradientBytes: bytes)
                #expect(run(&machine, event, at: Double(second)) == [])
            }
            if let refusal = refusals(run(&machine, .tick, at: Double(second))).first {
                return (second - start, refusal)
            }
        }
        return nil
    }

    @Test("A link that could never carry a step in time is refused, in words that say so; the run's end repeats them")
    func tooSlow() throws {
        var machine = CoordinatorMachine(configuration: ClusterFixture.configuration(), now: .zero)
        _ = try join(&machine, at: 0)
        _ = run(&machine, .beginStep(0, tree, isAudited: false), at: 0)
        let end = try #require(wait(&machine, from: 0, rate: 32_000, bytes: 7_200_000))
        #expect(end.seconds == 60 && end.refusal.code == .link)
        #expect(end.refusal.message.hasPrefix("this link is too slow: it needs 450 s a step (14400 KB at 256 kbit/s)"))
        var failure: ClusterFailure?
        for second in 61..<200 where failure == nil {
            for case .fail(let reason) in run(&machine, .tick, at: Double(second)) { failure = reason }
        }
        #expect(failure == .linkTooSlow(reason: end.refusal.message, seconds: 60))
    }

    @Test("Bytes under way keep a member beyond the median of others, and no longer than a first answer may take")
    func alive() throws {
        var machine = CoordinatorMachine(configuration: ClusterFixture.configuration(), now: .zero)
        let member = try join(&machine, at: 0)
        _ = run(&machine, .beginStep(0, tree, isAudited: false), at: 0)
        _ = run(&machine, .answered(peer, member, .node(tree.root.rawValue)), at: 0.001)
        // The median is a millisecond; without bytes a member has 5 s.
        _ = run(&machine, .beginStep(1, tree, isAudited: false), at: 1)
        let silent = try #require(wait(&machine, from: 1, rate: nil))
        #expect(silent.seconds == 5 && silent.refusal.code == .rejoin)
        let again = try join(&machine, at: 10)
        _ = run(&machine, .answered(peer, again, .node(tree.root.rawValue, step: 1)), at: 10.001)
        _ = run(&machine, .beginStep(2, tree, isAudited: false), at: 11)
        let moving = try #require(wait(&machine, from: 11, rate: 32_000))
        #expect(moving.seconds == 60 && moving.refusal.code == .rejoin, "the link would carry a step in 6 s")
    }

    @Test("A process that loses ten memberships in a row without an answer is refused for good")
    func fruitless() throws {
        var machine = CoordinatorMachine(configuration: ClusterFixture.configuration(), now: .zero)
        _ = try join(&machine, at: 0)
        _ = run(&machine, .beginStep(0, tree, isAudited: false), at: 0)
        for round in 1...9 {
            _ = run(&machine, .peerLost(peer, reason: "its connection ended"), at: Double(round))
            _ = try join(&machine, at: Double(round))
        }
        _ = run(&machine, .peerLost(peer, reason: "its connection ended"), at: 10)
        let refused = refusals(run(&machine, .hello(peer, ClusterFixture.hello(7)), at: 10))
        #expect(refused.map(\.code) == [.link])
        #expect(refusals(run(&machine, .hello(2, ClusterFixture.hello(8)), at: 10)) == [], "another process may join")
    }

    @Test("An answer, and a membership that was asked for nothing, do not count against a process")
    func fruitful() throws {
        var machine = CoordinatorMachine(configuration: ClusterFixture.configuration(), now: .zero)
        var member = try join(&machine, at: 0)
        var step: UInt64 = 0
        _ = run(&machine, .beginStep(step, tree, isAudited: false), at: 0)
        for round in 1...30 {
            if round % 3 == 0 {
                _ = run(&machine, .answered(peer, member, .node(tree.root.rawValue, step: step)), at: Double(round))
                let isComplete = machine.isWorkComplete
                #expect(isComplete)
            }
            _ = run(&machine, .peerLost(peer, reason: "its connection ended"), at: Double(round))
            member = try join(&machine, at: Double(round))
            guard machine.isWorkComplete else { continue }
            // This membership is asked for nothing.
            _ = run(&machine, .peerLost(peer, reason: "its connection ended"), at: Double(round))
            member = try join(&machine, at: Double(round))
            step += 1
            _ = run(&machine, .beginStep(step, tree, isAudited: false), at: Double(round))
        }
        let active = machine.activeCount
        #expect(active == 1)
    }

    @Test("A worker gives up after ten memberships in a row without data or work, and says why")
    func worker() {
        for isUseful in [false, true] {
            var worker = WorkerMachine(deadlines: Deadlines(), now: .zero)
            var actions: [WorkerAction] = []
            for member in 1...UInt32(12) where worker.state != .ended {
                worker.handle(.connected, now: .zero, into: &actions)
                worker.handle(.welcomed(run: 1, MemberID(rawValue: member)), now: .zero, into: &actions)
                worker.expectWeights(chunks: 1)
                worker.handle(.dataReady, now: .zero, into: &actions)
                worker.handle(.proved(ClusterFixture.ready), now: .zero, into: &actions)
                worker.handle(
                    .parameters(version: 0, ChunkPart(chunk: 0, elements: 0..<1, of: 1)), now: .zero, into: &actions)
                if isUseful { worker.handle(.assigned(.node(1)), now: .zero, into: &actions) }
                worker.handle(.disconnected, now: .zero, into: &actions)
            }
            let endings = actions.compactMap { if case .exit(let ending) = $0 { ending } else { nil } }
            #expect(endings == (isUseful ? [] : [.brokenLink(memberships: 10)]))
        }
        #expect("\(WorkerEnding.brokenLink(memberships: 10))".contains("this link is too slow or breaks too often"))
    }

    @Test(
        "A worker whose weights alone take longer than a step may says so; waiting for a chunk of others does not count"
    )
    func slowWeights() {
        for gap in [0.5, 2.0] {
            var worker = WorkerMachine(deadlines: Deadlines(), now: .zero)
            var actions: [WorkerAction] = []
            worker.handle(.connected, now: .zero, into: &actions)
            worker.handle(.welcomed(run: 1, 1), now: .zero, into: &actions)
            worker.expectWeights(chunks: 5)
            worker.handle(.dataReady, now: .zero, into: &actions)
            worker.handle(.proved(ClusterFixture.ready), now: .zero, into: &actions)
            var time = 0.0
            for chunk in 0..<4 {
                // Another worker's answer took so long.
                time += 100
                for element in 0..<20 {
                    let part = ChunkPart(chunk: chunk, elements: element..<element + 1, of: 20)
                    worker.handle(.parameters(version: 0, part), now: .milliseconds(time * 1e3), into: &actions)
                    time += gap
                }
            }
            let endings = actions.compactMap { if case .exit(let ending) = $0 { ending } else { nil } }
            if gap < 1 {
                #expect(endings.isEmpty)
            } else {
                // Five chunks of 20 parts take 200 s, and as long back.
                #expect(endings.first?.description.hasPrefix("this link is too slow: it needs 400 s a step") == true)
                let goodbyes = actions.count { if case .sendGoodbye = $0 { true } else { false } }
                #expect(goodbyes == 1)
            }
        }
    }

    @Test("A worker stores weights part by part, and leaves a coordinator that mixes them up")
    func parts() {
        func part(_ chunk: Int, _ elements: Range<Int>) -> ChunkPart {
            ChunkPart(chunk: chunk, elements: elements, of: 4)
        }
        let good: [(UInt64, ChunkPart)] = [(3, part(1, 0..<2)), (3, part(1, 2..<4)), (3, part(0, 0..<4))]
        let bad: [(UInt64, ChunkPart)] = [
            (3, part(1, 3..<4)), (3, part(1, 0..<2)), (3, part(0, 0..<4)), (4, part(1, 2..<4)), (5, part(1, 2..<4)),
        ]
        for last in bad.map(Optional.some) + [nil] {
            var worker = WorkerMachine(deadlines: Deadlines(), now: .zero)
            var actions: [WorkerAction] = []
            worker.handle(.connected, now: .zero, into: &actions)
            worker.handle(.welcomed(run: 1, 1), now: .zero, into: &actions)
            worker.expectWeights(chunks: 2)
            worker.handle(.dataReady, now: .zero, into: &actions)
            worker.handle(.proved(ClusterFixture.ready), now: .zero, into: &actions)
            actions.removeAll()
            let sequence = last.map { [good[0], $0] } ?? good
            for (version, part) in sequence {
                worker.handle(.parameters(version: version, part), now: .zero, into: &actions)
            }
            let stored = actions.count { if case .store = $0 { true } else { false } }
            let hasLeft = worker.membership == nil
            #expect(hasLeft == (last != nil) && stored == (last == nil ? 3 : 1), "\(String(describing: last))")
        }
    }
}

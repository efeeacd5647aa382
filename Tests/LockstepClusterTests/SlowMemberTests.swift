import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import Testing

@testable import LockstepCluster

/// Two members that are sent their weights: what goes to one that takes longer than the other one.
@Suite("A member behind a slow link, or on a slow core")
struct SlowMemberTests {
    private let quick = PeerID(rawValue: 1)
    private let slow = PeerID(rawValue: 2)
    private let tree = SummationTree(shards: 2, samples: 100)

    /// What a machine with both members does, at the instants that a test says.
    private final class Run {
        var machine: CoordinatorMachine
        var actions: [CoordinatorAction] = []
        private(set) var members: [PeerID: MemberID] = [:]
        /// Milliseconds since the beginning.
        var time = 0.0

        init(_ peers: [PeerID]) throws {
            let ready = Ready(kernel: "k", fingerprint: [])
            machine = CoordinatorMachine(
                configuration: CoordinatorMachine.Configuration(
                    minimumWorkers: 2, maximumWorkers: 2, chunks: 2, dataBytes: 1, programVersion: "1", expected: ready,
                    allowsMixedKernels: false, deadlines: Deadlines()),
                now: Instant(nanoseconds: 0))
            for peer in peers {
                let hello = Hello(programVersion: "1", host: "h", processID: peer.rawValue)
                let welcome: [MemberID] = take(.hello(peer, hello)).compactMap { action in
                    if case .welcome(_, let member) = action { member } else { nil }
                }
                let number: MemberID = try #require(welcome.first)
                members[peer] = number
                take(.ready(peer, member(peer), ready))
            }
        }

        var isWorkComplete: Bool { machine.isWorkComplete }
        var helped: Int { machine.counts.speculativeItems }

        func member(_ peer: PeerID) -> MemberID { members[peer] ?? MemberID(rawValue: 0) }

        @discardableResult
        func take(_ event: CoordinatorEvent) -> [CoordinatorAction] {
            actions.removeAll()
            machine.handle(event, now: Instant(nanoseconds: UInt64(time * 1e6)), into: &actions)
            return actions
        }

        /// Begins a step; the node that each member gets.
        func begin(_ step: UInt64, _ tree: SummationTree) -> [PeerID: WorkItem] {
            var items: [PeerID: WorkItem] = [:]
            for case .assign(let peer, _, let item) in take(.beginStep(step, tree, isAudited: false)) {
                items[peer] = item
            }
            return items
        }
    }

    /// Which chunks of which weights are sent to whom.
    private func sent(_ actions: [CoordinatorAction]) -> [String] {
        actions.compactMap { action in
            guard case .sendParameters(let peer, _, let version, let chunk) = action else { return nil }
            return "\(peer.rawValue): \(version).\(chunk)"
        }
    }

    @Test("A member is not evicted for time in which its answer may lie unread, and is evicted for other time")
    func backlog() throws {
        let run = try Run([quick, slow])
        _ = run.begin(0, tree)
        run.take(.inputBacklog(true))
        for _ in 0..<1_000 {
            run.time += 500
            #expect(run.take(.tick).isEmpty)
        }
        run.take(.inputBacklog(false))
        var evicted: [PeerID] = []
        var seconds = 0.0
        while evicted.isEmpty, seconds < 120 {
            (seconds, run.time) = (seconds + 0.5, run.time + 500)
            for case .refuse(let peer, let refusal) in run.take(.tick) where refusal.code == .rejoin {
                evicted.append(peer)
            }
        }
        #expect(evicted == [quick], "each eviction doubles the wait of the others")
        #expect(seconds == Deadlines().firstAnswer)
    }

    @Test("The next weights go to those who have answered, and once its answer begins to arrive to the last one, too")
    func early() throws {
        let run = try Run([quick, slow])
        let items = run.begin(0, tree)
        let (first, last) = (try #require(items[quick]), try #require(items[slow]))
        run.take(.answered(quick, run.member(quick), first))
        #expect(sent(run.take(.chunkUpdated(version: 1, chunk: 1))) == ["1: 1.1"])
        #expect(sent(run.take(.answering(slow, run.member(slow), first))) == [], "not its own node")
        #expect(sent(run.take(.answering(slow, run.member(slow), last))) == ["2: 1.1"])
        #expect(sent(run.take(.chunkUpdated(version: 1, chunk: 0))) == ["1: 1.0", "2: 1.0"])
        #expect(sent(run.take(.answered(slow, run.member(slow), last))) == [])
        #expect(run.isWorkComplete)
        // Both have all of them: the next step needs to send none.
        let next = run.take(.beginStep(1, tree, isAudited: false))
        #expect(sent(next) == [] && next.count == 2)
    }

    @Test("Whoever has not answered the step before is sent nothing of the weights after the next")
    func lagging() throws {
        let run = try Run([quick, slow])
        let items = run.begin(0, tree)
        let (first, last) = (try #require(items[quick]), try #require(items[slow]))
        run.take(.answering(slow, run.member(slow), last))
        run.take(.answered(quick, run.member(quick), first))
        // The straggler's node is done by the other one.
        run.time = 30
        let helped = run.take(.tick).contains { action in
            if case .assign(quick, _, last) = action { true } else { false }
        }
        #expect(helped)
        run.take(.answered(quick, run.member(quick), last))
        for chunk in 0..<2 { run.take(.chunkUpdated(version: 1, chunk: chunk)) }
        let nodes = run.begin(1, tree)
        #expect(Array(nodes.keys) == [quick])
        for chunk in 0..<2 {
            #expect(sent(run.take(.chunkUpdated(version: 2, chunk: chunk))) == [])
        }
        #expect(sent(run.take(.answering(slow, run.member(slow), last))) == [])
    }

    /// The members' usual times in milliseconds, and whether the quick one takes the slow one's node over at once.
    @Test(
        "A node is taken over, before it is late, by whoever will have done it long before its holder",
        arguments: [
            (10.0, 40.0, true), (10, 19, false), (10, 22, false), (15, 33, false), (15, 35, true), (1, 8, false),
        ])
    func overtaking(_ usual: Double, _ other: Double, isOvertaken: Bool) throws {
        let run = try Run([quick, slow])
        for step in 0..<UInt64(4) {
            let start = run.time
            let items = run.begin(step, tree)
            guard let own = items[quick], let late = items[slow] else {
                // It sits a step out that it was late for.
                for item in items.values { run.take(.answered(quick, run.member(quick), item)) }
                continue
            }
            run.time = start + usual
            let actions = run.take(.answered(quick, run.member(quick), own))
            let overtakes = actions.contains { action in
                if case .assign(quick, _, late) = action { true } else { false }
            }
            // In the first step nothing is known of either.
            #expect(overtakes == (isOvertaken && step > 0), "step \(step)")
            if overtakes {
                #expect(run.helped == 1)
                return
            }
            run.time = start + other
            run.take(.answered(slow, run.member(slow), late))
            #expect(run.isWorkComplete)
        }
        #expect(!isOvertaken)
    }
}

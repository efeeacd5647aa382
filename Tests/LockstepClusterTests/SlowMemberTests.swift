import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import Testing

@testable import LockstepCluster

/// Two members that are sent their weights, one of them slower.
@Suite("A member behind a slow link, or on a slow core")
struct SlowMemberTests {
    private let quick = PeerID(rawValue: 1)
    private let slow = PeerID(rawValue: 2)
    private let tree = SummationTree(shards: 2, samples: 100)

    /// A machine with both members; a test sets the time.
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
                let welcome: [MemberID] = handle(.hello(peer, hello)).compactMap { action in
                    if case .welcome(_, let member) = action { member } else { nil }
                }
                let number: MemberID = try #require(welcome.first)
                members[peer] = number
                handle(.ready(peer, member(peer), ready))
            }
        }

        var isWorkComplete: Bool { machine.isWorkComplete }
        var helped: Int { machine.counts.speculativeItems }

        func member(_ peer: PeerID) -> MemberID { members[peer] ?? MemberID(rawValue: 0) }

        @discardableResult
        func handle(_ event: CoordinatorEvent) -> [CoordinatorAction] {
            actions.removeAll()
            machine.handle(event, now: Instant(nanoseconds: UInt64(time * 1e6)), into: &actions)
            return actions
        }

        /// Begins a step; the node that each member gets.
        func begin(_ step: UInt64, _ tree: SummationTree) -> [PeerID: WorkItem] {
            var items: [PeerID: WorkItem] = [:]
            for case .assign(let peer, _, let item) in handle(.beginStep(step, tree, isAudited: false)) {
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
        run.handle(.inputBacklog(true))
        for _ in 0..<1_000 {
            run.time += 500
            #expect(run.handle(.tick).isEmpty)
        }
        run.handle(.inputBacklog(false))
        var evicted: [PeerID] = []
        var seconds = 0.0
        while evicted.isEmpty, seconds < 120 {
            (seconds, run.time) = (seconds + 0.5, run.time + 500)
            for case .refuse(let peer, let refusal) in run.handle(.tick) where refusal.code == .rejoin {
                evicted.append(peer)
            }
        }
        #expect(evicted == [quick], "each eviction doubles the wait of the others")
        #expect(seconds == Deadlines().firstAnswer)
    }

    @Test("The next weights go to members that have answered, and to the last member once its answer begins to arrive")
    func early() throws {
        let run = try Run([quick, slow])
        let items = run.begin(0, tree)
        let (first, last) = (try #require(items[quick]), try #require(items[slow]))
        run.handle(.answered(quick, run.member(quick), first))
        #expect(sent(run.handle(.chunkUpdated(version: 1, chunk: 1))) == ["1: 1.1"])
        #expect(sent(run.handle(.answering(slow, run.member(slow), first))) == [], "not its own node")
        #expect(sent(run.handle(.answering(slow, run.member(slow), last))) == ["2: 1.1"])
        #expect(sent(run.handle(.chunkUpdated(version: 1, chunk: 0))) == ["1: 1.0", "2: 1.0"])
        #expect(sent(run.handle(.answered(slow, run.member(slow), last))) == [])
        #expect(run.isWorkComplete)
        // Both have all of them: the next step needs to send none.
        let next = run.handle(.beginStep(1, tree, isAudited: false))
        #expect(sent(next) == [] && next.count == 2)
    }

    @Test("A member that has not answered the step before is sent nothing of the weights after the next")
    func lagging() throws {
        let run = try Run([quick, slow])
        let items = run.begin(0, tree)
        let (first, last) = (try #require(items[quick]), try #require(items[slow]))
        run.handle(.answering(slow, run.member(slow), last))
        run.handle(.answered(quick, run.member(quick), first))
        // The straggler's node is done by the other one.
        run.time = 30
        let helped = run.handle(.tick).contains { action in
            if case .assign(quick, _, last) = action { true } else { false }
        }
        #expect(helped)
        run.handle(.answered(quick, run.member(quick), last))
        for chunk in 0..<2 { run.handle(.chunkUpdated(version: 1, chunk: chunk)) }
        let nodes = run.begin(1, tree)
        #expect(Array(nodes.keys) == [quick])
        for chunk in 0..<2 {
            #expect(sent(run.handle(.chunkUpdated(version: 2, chunk: chunk))) == [])
        }
        #expect(sent(run.handle(.answering(slow, run.member(slow), last))) == [])
    }

    /// The members' times in milliseconds, and whether the quick one is given the slow one's node at once.
    @Test(
        "A node that is not late yet is given to an idle member that will finish it long before its holder",
        arguments: [
            (10.0, 40.0, true), (10, 19, false), (10, 22, false), (15, 33, false), (15, 35, true), (1, 8, false),
        ])
    func speculation(_ own: Double, _ other: Double, isSpeculated: Bool) throws {
        let run = try Run([quick, slow])
        for step in 0..<UInt64(4) {
            let start = run.time
            let items = run.begin(step, tree)
            guard let ownItem = items[quick], let late = items[slow] else {
                // It is backed off in the step after the one that it was late for.
                for item in items.values { run.handle(.answered(quick, run.member(quick), item)) }
                continue
            }
            run.time = start + own
            let actions = run.handle(.answered(quick, run.member(quick), ownItem))
            let speculates = actions.contains { action in
                if case .assign(quick, _, late) = action { true } else { false }
            }
            // In the first step nothing is known of either.
            #expect(speculates == (isSpeculated && step > 0), "step \(step)")
            if speculates {
                #expect(run.helped == 1)
                return
            }
            run.time = start + other
            run.handle(.answered(slow, run.member(slow), late))
            #expect(run.isWorkComplete)
        }
        #expect(!isSpeculated)
    }
}

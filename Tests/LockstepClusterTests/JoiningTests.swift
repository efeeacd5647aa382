import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import Testing

@testable import LockstepCluster

@Suite("Joining")
struct JoiningTests {
    private let hello = Hello(programVersion: "1", host: "h", processID: 7)
    private let ready = Ready(kernel: "k", fingerprint: [])

    private func machine() -> CoordinatorMachine {
        CoordinatorMachine(
            configuration: CoordinatorMachine.Configuration(
                minimumWorkers: 1, maximumWorkers: 2, chunks: 1, dataBytes: 1, programVersion: "1", expected: ready,
                allowsMixedKernels: false, deadlines: Deadlines()),
            now: Instant(nanoseconds: 0))
    }

    /// The members that are welcomed, and the notices.
    private func outcome(_ actions: [CoordinatorAction]) -> (welcomed: [MemberID], notices: [ClusterNotice]) {
        let welcomed = actions.compactMap { if case .welcome(_, let member) = $0 { member } else { nil } }
        let notices = actions.compactMap { if case .notify(let notice) = $0 { notice } else { nil } }
        return (welcomed, notices)
    }

    @Test("A worker that asks twice, because the answer took long, is the same member and loses nothing")
    func twice() throws {
        var machine = machine()
        var actions: [CoordinatorAction] = []
        let (peer, now) = (PeerID(rawValue: 1), Instant(nanoseconds: 1))
        for _ in 0..<2 { machine.handle(.hello(peer, hello), now: now, into: &actions) }
        let (welcomed, notices) = outcome(actions)
        #expect(welcomed.count == 2 && welcomed[0] == welcomed[1] && notices == [])
        actions.removeAll()
        machine.handle(.ready(peer, welcomed[0], ready), now: now, into: &actions)
        #expect(machine.activeCount == 1 && machine.counts.joined == 1)
    }

    @Test("A member that took part and says hello again has started anew")
    func anew() throws {
        var machine = machine()
        var actions: [CoordinatorAction] = []
        let (peer, now) = (PeerID(rawValue: 1), Instant(nanoseconds: 1))
        machine.handle(.hello(peer, hello), now: now, into: &actions)
        let first = try #require(outcome(actions).welcomed.first)
        machine.handle(.ready(peer, first, ready), now: now, into: &actions)
        actions.removeAll()
        machine.handle(.hello(peer, hello), now: now, into: &actions)
        let (welcomed, notices) = outcome(actions)
        #expect(welcomed.count == 1 && welcomed[0] != first)
        guard case .lost(let member, let reason, _, _) = notices.first else {
            Issue.record("no loss, but \(notices)")
            return
        }
        #expect(member.id == first && reason == "it joined anew" && machine.counts.lost == 1)
    }

    /// Has one member join on `peer` that has had another membership before.
    private func joinTwice(
        _ machine: inout CoordinatorMachine, _ peer: PeerID
    ) throws -> (old: MemberID, present: MemberID) {
        var actions: [CoordinatorAction] = []
        let now = Instant(nanoseconds: 1)
        var members: [MemberID] = []
        for _ in 0..<2 {
            machine.handle(.hello(peer, hello), now: now, into: &actions)
            members.append(try #require(outcome(actions).welcomed.last))
            machine.handle(.ready(peer, members[members.count - 1], ready), now: now, into: &actions)
        }
        return (members[0], members[1])
    }

    @Test("What was said in an earlier membership, or in another run, is dropped with a word about it")
    func outdated() throws {
        let (peer, now) = (PeerID(rawValue: 1), Instant(nanoseconds: 2))
        var first = machine()
        let (old, present) = try joinTwice(&first, peer)
        let item = WorkItem(kind: .node, step: 0, number: 1)
        let unknown = MemberID(rawValue: 99)
        let messages: [(CoordinatorEvent, MemberID?)] = [
            (.answered(peer, old, item), old), (.answered(peer, unknown, item), unknown),
            (.ready(peer, old, ready), old),
            (.dataRequested(peer, old, offset: 0, count: 1), old),
            (.goodbye(peer, old, Goodbye(code: .stopping, message: "")), old), (.messageOfOtherRun(peer), nil),
        ]
        for (message, speaker) in messages {
            var machine = machine()
            #expect(try joinTwice(&machine, peer) == (old, present))
            var actions: [CoordinatorAction] = []
            machine.handle(message, now: now, into: &actions)
            let info = MemberInfo(id: present, host: "h", processID: 7)
            #expect(outcome(actions).notices == [.outdated(info, sentAs: speaker)] && actions.count == 1, "\(message)")
            #expect(machine.activeCount == 1 && machine.counts.lost == 1 && machine.counts.joined == 2)
        }
    }

    @Test("The same on a connection without a present membership is answered: say hello again")
    func stranger() throws {
        let other = PeerID(rawValue: 2)
        let item = WorkItem(kind: .node, step: 0, number: 1)
        let messages: [(MemberID) -> CoordinatorEvent] = [
            { .answered(other, $0, item) }, { .ready(other, $0, ready) }, { _ in .messageOfOtherRun(other) },
        ]
        for message in messages {
            var machine = machine()
            let (old, _) = try joinTwice(&machine, PeerID(rawValue: 1))
            var actions: [CoordinatorAction] = []
            machine.handle(message(old), now: Instant(nanoseconds: 2), into: &actions)
            guard case .refuse(let peer, let refusal) = actions.first else {
                Issue.record("no refusal, but \(actions)")
                continue
            }
            #expect(peer == other && refusal.code == .rejoin && actions.count == 1 && machine.activeCount == 1)
        }
    }

    @Test("An old hello that comes again costs its worker a membership and no time: it is told at once, and welcomed")
    func oldHello() throws {
        let (peer, now) = (PeerID(rawValue: 1), Instant(nanoseconds: 2))
        var machine = machine()
        var actions: [CoordinatorAction] = []
        var worker = WorkerMachine(deadlines: Deadlines(), now: now)
        var doings: [WorkerAction] = []
        worker.handle(.connected, now: now, into: &doings)
        machine.handle(.hello(peer, hello), now: now, into: &actions)
        let first = try #require(outcome(actions).welcomed.first)
        worker.handle(.welcomed(run: 1, first), now: now, into: &doings)
        worker.handle(.dataReady, now: now, into: &doings)
        worker.handle(.proved(ready), now: now, into: &doings)
        machine.handle(.ready(peer, first, ready), now: now, into: &actions)
        actions.removeAll()
        machine.handle(.hello(peer, hello), now: now, into: &actions)
        for action in actions {
            switch action {
            case .refuse(_, let refusal): worker.handle(.refused(refusal), now: now, into: &doings)
            case .welcome(_, let member): worker.handle(.welcomed(run: 1, member), now: now, into: &doings)
            default: break
            }
        }
        let second = try #require(outcome(actions).welcomed.first)
        #expect(second != first && worker.membership?.member == second)
    }
}

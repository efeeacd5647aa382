import LockstepProtocol
import Testing

@testable import LockstepCluster

@Suite("Joining")
struct JoiningTests {
    private let hello = Hello(programVersion: "1", host: "h", processID: 7)
    private let ready = Ready(kernel: "k", fingerprint: [])

    private func machine() -> CoordinatorMachine {
        CoordinatorMachine(
            terms: CoordinatorMachine.Terms(
                minimumWorkers: 1, maximumWorkers: 2, chunks: 1, dataBytes: 1, programVersion: "1", expected: ready,
                allowsMixedKernels: false, deadlines: Deadlines()),
            now: Moment(nanoseconds: 0))
    }

    /// The members that are welcomed, and the news.
    private func outcome(_ actions: [CoordinatorAction]) -> (welcomed: [MemberID], notices: [ClusterNotice]) {
        let welcomed = actions.compactMap { if case .welcome(_, let member) = $0 { member } else { nil } }
        let notices = actions.compactMap { if case .notify(let notice) = $0 { notice } else { nil } }
        return (welcomed, notices)
    }

    @Test("Whoever asks twice, because the answer took long, is the same member and loses nothing")
    func twice() throws {
        var (machine, actions) = (machine(), [CoordinatorAction]())
        let (peer, now) = (PeerID(rawValue: 1), Moment(nanoseconds: 1))
        for _ in 0..<2 { machine.handle(.hello(peer, hello), now: now, into: &actions) }
        let (welcomed, notices) = outcome(actions)
        #expect(welcomed.count == 2 && welcomed[0] == welcomed[1] && notices == [])
        actions.removeAll()
        machine.handle(.ready(peer, welcomed[0], ready), now: now, into: &actions)
        #expect(machine.activeCount == 1 && machine.counts.joined == 1)
    }

    @Test("A member that took part and says hello again has started anew")
    func anew() throws {
        var (machine, actions) = (machine(), [CoordinatorAction]())
        let (peer, now) = (PeerID(rawValue: 1), Moment(nanoseconds: 1))
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
}

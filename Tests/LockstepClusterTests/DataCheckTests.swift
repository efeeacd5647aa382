import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import Testing

@testable import LockstepCluster

/// What a worker does when it is asked about its data set, and when the data set has changed.
@Suite("A worker's data set")
struct DataCheckTests {
    private typealias Fixture = ClusterFixture

    private static let welcome: [WorkerEvent] = [.connected, .welcomed(run: 1, 1)]
    private static let proof: [WorkerEvent] = welcome + [.dataReady, .proved(ClusterFixture.ready)]

    /// The actions of a worker that follow from an event after these events.
    private func actions(after events: [WorkerEvent], _ event: WorkerEvent) -> [WorkerAction] {
        var machine = WorkerMachine(deadlines: Deadlines(), now: .zero)
        machine.expectWeights(chunks: nil)
        var actions: [WorkerAction] = []
        for event in events { machine.handle(event, now: .zero, into: &actions) }
        actions.removeAll()
        machine.handle(event, now: .zero, into: &actions)
        return actions
    }

    @Test("A member reads its data set when it is asked, and counts the request as a sign of life")
    func asked() {
        let asked = actions(after: Self.proof, .dataCheckRequested(number: 7))
        #expect(asked.count == 1)
        guard case .checkData(number: 7)? = asked.first else {
            Issue.record("\(asked)")
            return
        }
        var machine = WorkerMachine(deadlines: Deadlines(), now: .zero)
        var ignored: [WorkerAction] = []
        for event in Self.proof { machine.handle(event, now: .zero, into: &ignored) }
        machine.handle(.dataCheckRequested(number: 7), now: .milliseconds(5_000), into: &ignored)
        #expect(machine.nextDeadline == .milliseconds(35_000))
    }

    @Test("A process that is no member yet does not answer")
    func early() {
        for events in [[], Self.welcome, Self.welcome + [.dataReady], Self.proof + [.disconnected]] {
            #expect(actions(after: events, .dataCheckRequested(number: 1)).isEmpty, "\(events)")
        }
    }

    @Test("A worker whose data set has changed says so with a code of its own, and ends")
    func changed() {
        for events in [Self.proof, Self.proof + [.assigned(.node(1))], Self.proof + [.dataCheckRequested(number: 1)]] {
            let actions = actions(after: events, .dataChanged)
            #expect(actions.count == 2)
            guard case .sendGoodbye(let goodbye)? = actions.first, case .exit(.unable(let reason))? = actions.last
            else {
                Issue.record("\(actions)")
                continue
            }
            #expect(goodbye.code == .dataChanged && goodbye.message == reason)
            #expect(reason.hasPrefix("the data set has changed in this process's memory"))
        }
    }

    @Test("Only goodbyes of failures are failures")
    func failures() {
        #expect(GoodbyeCode.allCases.filter(\.isFailure) == [.failed, .dataChanged, .modelFailed])
    }
}

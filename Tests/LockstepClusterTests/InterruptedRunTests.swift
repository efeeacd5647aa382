import LockstepCluster
import LockstepProtocol
import LockstepTimeline
import Testing

@Suite("Workers of an interrupted run")
struct InterruptedRunTests {
    private static let deadlines = Deadlines(start: 600)

    /// A worker that has joined a run at time 0.
    private func member(endsOnlyWhenFinished: Bool) -> WorkerMachine {
        var (machine, actions) = (
            WorkerMachine(deadlines: Self.deadlines, endsOnlyWhenFinished: endsOnlyWhenFinished, now: .zero),
            [WorkerAction]()
        )
        machine.handle(.connected, now: .zero, into: &actions)
        machine.handle(.welcomed(run: 1, MemberID(rawValue: 1)), now: .zero, into: &actions)
        return machine
    }

    private func actions(
        of machine: inout WorkerMachine, after event: WorkerEvent, at seconds: Double = 1
    ) -> [WorkerAction] {
        var actions: [WorkerAction] = []
        machine.handle(event, now: Instant.zero.advanced(bySeconds: seconds), into: &actions)
        return actions
    }

    @Test("A worker ends with every run, and one that ends only with a finished run waits as long as for its first")
    func dismissed() {
        let interrupted = WorkerEvent.dismissed(Goodbye(code: .stopping, message: "told to stop"))
        var worker = member(endsOnlyWhenFinished: false)
        #expect(actions(of: &worker, after: interrupted) == [.exit(.finished)])

        worker = member(endsOnlyWhenFinished: true)
        #expect(
            actions(of: &worker, after: interrupted)
                == [.notify(.runInterrupted(message: "told to stop", seconds: 600))])
        #expect(worker.membership == nil)
        #expect(actions(of: &worker, after: .disconnected, at: 2).isEmpty)
        #expect(actions(of: &worker, after: .connected, at: 500) == [.sendHello])
        let welcome = WorkerEvent.welcomed(run: 2, MemberID(rawValue: 1))
        #expect(actions(of: &worker, after: welcome, at: 501) == [.prepare])
        let finished = WorkerEvent.dismissed(Goodbye(code: .finished, message: "finished"))
        #expect(actions(of: &worker, after: finished, at: 502) == [.exit(.finished)])

        worker = member(endsOnlyWhenFinished: true)
        _ = actions(of: &worker, after: .dismissed(Goodbye(code: .failed, message: "no memory")), at: 1)
        #expect(actions(of: &worker, after: .tick, at: 600).isEmpty)
        #expect(actions(of: &worker, after: .tick, at: 601) == [.exit(.noCoordinator(seconds: 600))])
    }

    @Test("A coordinator that is ending refuses: the worker that ends only with a finished run waits for the next")
    func refused() {
        let refusal = Refusal(code: .ending, message: "the run is ending")
        var worker = WorkerMachine(deadlines: Self.deadlines, now: .zero)
        _ = actions(of: &worker, after: .connected)
        #expect(actions(of: &worker, after: .refused(refusal)) == [.exit(.refused(refusal))])

        worker = WorkerMachine(deadlines: Self.deadlines, endsOnlyWhenFinished: true, now: .zero)
        _ = actions(of: &worker, after: .connected)
        #expect(
            actions(of: &worker, after: .refused(refusal))
                == [.notify(.runInterrupted(message: "the run is ending", seconds: 600))])
    }

    @Test("A coordinator that is lost is waited for as long as the run's timeout says, or as for the first one")
    func lost() {
        var worker = member(endsOnlyWhenFinished: false)
        worker.setRejoinTimeout(5)
        #expect(actions(of: &worker, after: .disconnected) == [.notify(.lostCoordinator(seconds: 5))])
        worker = member(endsOnlyWhenFinished: true)
        worker.setRejoinTimeout(5)
        #expect(actions(of: &worker, after: .disconnected) == [.notify(.lostCoordinator(seconds: 600))])
    }
}

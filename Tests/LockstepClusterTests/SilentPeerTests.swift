import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import Testing

@testable import LockstepCluster

/// Every wait has a deadline: whatever state a machine is in, a peer that says nothing more ends it, or the membership
/// that waits for it, in bounded time.
@Suite("A silent peer")
struct SilentPeerTests {
    private typealias Fixture = ClusterFixture

    // MARK: - A worker and its coordinator

    /// A worker's machine and its clock. The worker does at once what it has to do itself.
    private struct Worker {
        var machine = WorkerMachine(deadlines: Deadlines(), now: .zero)
        var now = Instant.zero
        var ending: WorkerEnding?
        var pings = 0

        mutating func handle(_ events: WorkerEvent...) {
            for event in events {
                var actions: [WorkerAction] = []
                machine.handle(event, now: now, into: &actions)
                for action in actions {
                    if case .exit(let ending) = action { self.ending = ending }
                    if case .sendPing = action { pings += 1 }
                }
            }
        }

        /// Lets time pass until the worker has ended, in ticks at its deadlines.
        mutating func wait() {
            for _ in 0..<1_000 {
                guard ending == nil, let deadline = machine.nextDeadline else { return }
                now = max(now, deadline)
                handle(.tick)
            }
        }
    }

    /// The name of a state; a new one has to be added here, and to the ways into the states below.
    private static func name(_ state: WorkerMachine.State) -> String {
        switch state {
        case .connecting(_, nextHello: nil): "connecting"
        case .connecting: "saying hello"
        case .preparing: "preparing"
        case .fetching: "fetching"
        case .proving: "proving"
        case .serving: "serving"
        case .ended: "ended"
        }
    }

    private static let welcome: [WorkerEvent] = [.connected, .welcomed(run: 1, 1)]
    private static let proof: [WorkerEvent] = welcome + [.dataReady, .proved(ClusterFixture.ready)]
    private static let full = Refusal(code: .full, message: "full")

    /// Ways into each state, and the most seconds that a silent coordinator may hold the worker there.
    private static let workerStates: [(state: String, events: [WorkerEvent], seconds: Double)] = [
        ("connecting", [], 60), ("saying hello", [.connected], 60), ("connecting", [.connected, .disconnected], 60),
        ("saying hello", [.connected, .refused(full)], 60), ("preparing", welcome, 360),
        ("fetching", welcome + [.dataMissing(bytes: 9 << 20, received: 0)], 360),
        (
            "fetching",
            welcome + [.dataMissing(bytes: 9 << 20, received: 0), .dataReceived(offset: 0, count: 16 << 10)], 360
        ),
        ("proving", welcome + [.dataReady], 360), ("serving", proof, 360),
        ("serving", proof + [.assigned(.node(1))], 360),
        ("serving", proof + [.dataCheckRequested(number: 1)], 360), ("ended", proof + [.dataChanged], 0),
        ("serving", proof + [.assigned(.block(1))], 360), ("connecting", proof + [.disconnected], 60),
        ("saying hello", proof + [.refused(full)], 60),
        ("saying hello", proof + [.refused(Refusal(code: .rejoin, message: ""))], 60),
        ("saying hello", proof + [.protocolBroken(reason: "")], 60), ("ended", proof + [.stop], 0),
    ]

    @Test("In every state a worker leaves a coordinator that says nothing", arguments: workerStates.indices)
    func worker(index: Int) {
        let (state, events, seconds) = Self.workerStates[index]
        var worker = Worker()
        worker.machine.expectWeights(chunks: nil)
        for event in events { worker.handle(event) }
        #expect(Self.name(worker.machine.state) == state)
        worker.wait()
        #expect(worker.ending != nil && worker.machine.state == .ended)
        #expect(worker.now <= .milliseconds(seconds * 1_000), "\(worker.now)")
    }

    @Test("The ways of the test above lead into every state of a worker")
    func workerStatesAreComplete() {
        let all = ["connecting", "saying hello", "preparing", "fetching", "proving", "serving", "ended"]
        #expect(Set(Self.workerStates.map(\.state)) == Set(all))
    }

    @Test("A coordinator that answers pings keeps its worker, however long it has no work for it")
    func pings() {
        var worker = Worker()
        for event in Self.proof { worker.handle(event) }
        for number in 1...100 {
            worker.now = worker.machine.nextDeadline ?? worker.now
            worker.handle(.tick)
            #expect(worker.pings == number)
            worker.handle(.ponged)
        }
        #expect(Self.name(worker.machine.state) == "serving" && worker.now == .milliseconds(3_000_000))
    }

    @Test("A worker that was stopped for an hour, or computed for one, asks before it leaves")
    func late() {
        var worker = Worker()
        worker.machine.expectWeights(chunks: nil)
        for event in Self.proof { worker.handle(event) }
        worker.now = .milliseconds(3_600_000)
        worker.handle(.tick)
        #expect(worker.pings == 1 && Self.name(worker.machine.state) == "serving")
        worker.handle(.assigned(.node(1)))
        #expect(worker.machine.nextDeadline == .milliseconds(3_630_000))
    }

    @Test("A run that is full is asked again after growing pauses, and named in the end")
    func full() {
        var worker = Worker()
        worker.handle(.connected, .refused(Self.full))
        var pauses: [UInt64] = []
        while worker.ending == nil, let deadline = worker.machine.nextDeadline {
            pauses.append((deadline.nanoseconds - worker.now.nanoseconds) / 1_000_000_000)
            worker.now = deadline
            worker.handle(.tick, .refused(Self.full))
        }
        #expect(pauses == [1, 2, 4, 8, 8, 8, 8, 8, 8, 5])
        #expect(worker.ending == .refused(Self.full))
    }

    // MARK: - A coordinator and its workers

    /// A coordinator's machine and its clock, on which at most a second passes between two events.
    private struct Coordinator: ~Copyable {
        var machine = CoordinatorMachine(
            configuration: Fixture.configuration(minimumWorkers: 2, maximumWorkers: 2), now: .zero)
        var now = Instant.zero
        var failure: ClusterFailure?

        mutating func handle(_ events: CoordinatorEvent...) {
            for event in events {
                var actions: [CoordinatorAction] = []
                machine.handle(event, now: now, into: &actions)
                for case .fail(let failure) in actions { self.failure = failure }
            }
        }

        mutating func join(_ number: UInt32) {
            let (peer, member) = (PeerID(rawValue: number), MemberID(rawValue: number))
            handle(.hello(peer, Fixture.hello(number)), .ready(peer, member, Fixture.ready))
        }

        /// Lets time pass until the run has failed.
        mutating func wait() {
            for _ in 0..<10_000 {
                guard failure == nil, let deadline = machine.nextDeadline else { return }
                now = max(now, deadline)
                handle(.tick)
            }
        }
    }

    /// The name of a phase; a new one has to be added here, and to the test below.
    private static func name(_ phase: ClusterStatus.Phase) -> String {
        switch phase {
        case .gathering: "gathering"
        case .training: "training"
        case .evaluating: "evaluating"
        case .waiting: "waiting"
        case .ending: "ending"
        }
    }

    private static let tree = SummationTree(shards: 4, samples: 16)

    /// What happens before all peers fall silent, the phase that this leads to, and the most seconds until the run
    /// fails. Two silent workers are evicted one after the other, at 60 and at 120 seconds; then the run waits for another.
    private static let coordinatorPhases:
        [(phase: String, joined: UInt32, events: [CoordinatorEvent], seconds: Double)] = [
            ("gathering", 0, [], 60), ("gathering", 1, [], 60), ("gathering", 0, [.hello(9, Fixture.hello(9))], 60),
            ("gathering", 1, [.hello(9, Fixture.hello(9)), .dataRequested(9, 2, offset: 0, count: 1)], 60),
            ("training", 2, [.beginStep(0, tree, isAudited: false)], 181),
            ("training", 2, [.beginStep(0, tree, isAudited: true)], 181),
            (
                "training", 2,
                [.beginStep(0, tree, isAudited: false), .answering(1, 1, .node(2)), .answered(1, 1, .node(2))], 181
            ),
            (
                "training", 2, [.beginStep(0, tree, isAudited: false), .hello(9, Fixture.hello(9))], 181
            ),
            ("evaluating", 2, [.beginEvaluation(version: 0, blocks: [0, 1, 2])], 181),
            ("waiting", 0, [.beginStep(0, tree, isAudited: false)], 60),
            (
                "waiting", 1,
                [.beginStep(0, tree, isAudited: false), .peerLost(1, reason: ""), .hello(9, Fixture.hello(9))], 60
            ),
        ]

    @Test("In every phase a run fails whose workers say nothing more", arguments: coordinatorPhases.indices)
    func coordinator(index: Int) {
        let (phase, joined, events, seconds) = Self.coordinatorPhases[index]
        var coordinator = Coordinator()
        for number in 0..<joined { coordinator.join(number + 1) }
        for event in events { coordinator.handle(event) }
        let reached = Self.name(coordinator.machine.status.phase)
        #expect(reached == phase)
        coordinator.wait()
        let (failure, now, left) = (coordinator.failure, coordinator.now, coordinator.machine.status.workers.count)
        #expect(failure != nil)
        #expect(now <= .milliseconds(seconds * 1_000), "\(now)")
        if phase != "gathering" { #expect(left == 0) }
    }

    @Test("A run that has ended waits for nothing more in its machine; the link's own deadlines close it")
    func ended() {
        var coordinator = Coordinator()
        coordinator.join(1)
        coordinator.handle(.stop(Goodbye(code: .finished, message: "")))
        let (phase, deadline) = (coordinator.machine.status.phase, coordinator.machine.nextDeadline)
        #expect(Self.name(phase) == "ending" && deadline == nil)
        #expect(Set(Self.coordinatorPhases.map(\.phase)) == ["gathering", "training", "evaluating", "waiting"])
    }

    @Test("A peer that says hello and nothing more is forgotten after the handshake's deadline")
    func candidate() {
        var coordinator = Coordinator()
        coordinator.join(1)
        coordinator.join(2)
        coordinator.handle(.hello(9, Fixture.hello(9)))
        let refusal = coordinator.machine.isPreparing(3)
        #expect(!refusal, "the run is full")
        var other = Coordinator()
        other.join(1)
        other.handle(.hello(9, Fixture.hello(9)), .beginStep(0, Self.tree, isAudited: false))
        let before = other.machine.isPreparing(2)
        for _ in 0..<61 {
            other.now = other.now.advanced(bySeconds: 1)
            other.handle(.tick)
        }
        let after = other.machine.isPreparing(2)
        #expect(before && !after)
    }
}

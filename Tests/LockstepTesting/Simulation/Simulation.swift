package import LockstepCluster
import LockstepNumerics
import LockstepProtocol
package import LockstepSharding
import LockstepTimeline
import LockstepTraining

/// A cluster in one thread: the real machine of the coordinator, real machines of workers and the real reducer, with a
/// simulated network, clock and faults, all of which follow from one seed.
///
/// A run must add every sample of every step exactly once under the right weights, or fail for a documented reason.
/// Then every process must end.
package final class Simulation {
    /// How a run ended, and what happened in it.
    package struct Outcome: Sendable {
        /// Why the run failed; nil if it finished.
        package var failure: ClusterFailure?
        package var counts: MembershipCounts
        package var faults: [SimulationPlan.Fault: Int]
        package var restarts: Int
        package var events: Int
        /// Wrong answers of faulty workers.
        package var wrongAnswers: Int
        /// Answers from weights that were overwritten while they were read or sent.
        package var overwritten: Int
        /// Workers reported as slow.
        package var slowReports: Int
        package var seconds: Double
        /// Steps and blocks that the coordinator computed itself.
        package var computedByCoordinator: Int
        /// How often a number of workers was chosen.
        package var workerCountChoices: Int
        /// Steps computed without consulting the machine.
        package var stepsAlone: Int
        /// Tree nodes that the coordinator computed beside workers.
        package var sharesComputed: Int
        /// Messages of earlier memberships that arrived again over a present member's connection.
        package var outdated: Int
    }

    /// The death of a worker process at one point of a run.
    package struct Crash: Sendable {
        /// The process in the order of the starts, from 0.
        let process: Int
        /// The number of events before it.
        let event: Int

        package init(ofProcess process: Int, afterEvents event: Int) {
            self.process = process
            self.event = event
        }
    }

    enum Happening {
        case arrivesUp(connection: Int, Upward)
        case arrivesDown(connection: Int, Downward)
        case coordinatorLosesPeer(connection: Int)
        case workerLosesConnection(connection: Int)
        case connects(process: Int)
        case coordinatorWakes
        case workerWakes(process: Int)
        case starts(place: Int)
        case faultOccurs(SimulationPlan.Fault)
    }

    /// An input that waits to be read by the coordinator.
    enum Input {
        case message(connection: Int, Upward)
        case lost(connection: Int)
    }

    /// The trainer's stage.
    enum Stage: Equatable {
        case gathering
        case step
        case evaluation
        case ended
    }

    /// The key of an audited node's copy.
    struct CopyKey: Hashable {
        let item: WorkItem
        let member: MemberID
    }

    struct Copy: Equatable {
        var gradients: [Answer?]
        var result: Answer?
    }

    static let run: UInt32 = 7
    static let dataBytes: UInt64 = 2_500_000
    static let heartbeatTimeout: UInt64 = 3_000_000_000
    private static let eventLimit = 3_000_000

    let plan: SimulationPlan
    private let crash: Crash?
    var random: SimulationRandom
    var queue = EventQueue<Happening>()
    var time: UInt64 = 0
    private var events = 0
    var connections: [SimulatedConnection] = []
    var processes: [SimulatedProcess] = []
    var restartPolicy: RestartPolicy

    var machine: CoordinatorMachine
    var actions: [CoordinatorAction] = []
    var isPerforming = false
    var inbox: [Input] = []
    var coordinatorBusyUntil: UInt64 = 0
    /// Whether its machine counts on messages that wait to be read.
    var hasBacklog = false
    /// When the coordinator's next turn is due; turns planned for later are void.
    var nextWake = UInt64.max
    var parts: AnswerParts
    var stage = Stage.gathering
    var failure: ClusterFailure?
    var version: UInt64 = 0
    /// The weights in two versions, [version parity, chunk].
    var weights: [[UInt64]]
    let reducer: Reducer
    let fullTree: SummationTree
    let lastTree: SummationTree
    var updatedChunks = 0
    var loss: Double?
    var scored: Set<UInt32> = []
    var copies: [CopyKey: Copy] = [:]
    var scratch: FloatBuffer
    var sumRoom: FloatBuffer
    var firstProblem: String?

    var faults: [SimulationPlan.Fault: Int] = [:]
    var wrongAnswers = 0
    var overwritten = 0
    var slowReports = 0
    var computedByCoordinator = 0
    var workerCountChoices = 0
    var stepsAlone = 0
    var sharesComputed = 0
    var outdated = 0
    /// The connection over which such a message has just come.
    var outdatedPeer: PeerID?
    /// The machine's events, for a replay.
    var record: EventRecord?
    let keepsHistory: Bool
    var history: [String] = []

    package init(seed: UInt64, crash: Crash? = nil, keepsHistory: Bool = false) {
        let plan = SimulationPlan(seed: seed)
        self.crash = crash
        self.plan = plan
        self.keepsHistory = keepsHistory
        random = SimulationRandom(seed: mix(seed))
        let deadlines = Deadlines()
        restartPolicy = RestartPolicy(
            places: plan.workers, limit: plan.maximumRestarts, deadlines: deadlines, now: Instant(nanoseconds: 0))
        machine = CoordinatorMachine(
            configuration: CoordinatorMachine.Configuration(
                minimumWorkers: plan.workers, maximumWorkers: plan.maximumWorkers, chunks: plan.chunks,
                dataBytes: Self.dataBytes, programVersion: "simulation",
                expected: Ready(kernel: "stand-in", fingerprint: []), allowsMixedKernels: false, deadlines: deadlines,
                tunesWorkerCount: plan.tunesWorkerCount, splitsRoot: plan.splitsRoot),
            now: Instant(nanoseconds: 0))
        let initial = (0..<plan.chunks).map { StandInArithmetic.initialWeights(chunk: $0) }
        weights = [initial, Array(repeating: 0, count: plan.chunks)]
        let segments = (0..<plan.chunks).map { $0 * plan.batch..<($0 + 1) * plan.batch }
        reducer = Reducer(layout: ChunkLayout(segments: segments), shards: plan.shards)
        fullTree = SummationTree(shards: plan.shards, samples: plan.batch)
        lastTree = SummationTree(shards: plan.shards, samples: plan.lastBatch)
        scratch = FloatBuffer(count: plan.batch)
        sumRoom = FloatBuffer(count: plan.batch)
        parts = AnswerParts(chunks: plan.chunks)
        record = seed % 8 == 0 ? EventRecord(machine.configuration, now: Instant(nanoseconds: 0)) : nil
    }

    /// Runs a seed; if the run fails, runs it again for its history.
    ///
    /// - Parameters:
    ///   - seed: The plan and its faults follow from it.
    ///   - crash: A further fault.
    /// - Returns: How the run ended.
    /// - Throws: `SimulationFailure` if it broke a promise.
    package static func run(seed: UInt64, crash: Crash? = nil) throws(SimulationFailure) -> Outcome {
        do throws(SimulationFailure) {
            return try Simulation(seed: seed, crash: crash).run()
        } catch {
            let again = Simulation(seed: seed, crash: crash, keepsHistory: true)
            _ = try? again.run()
            throw SimulationFailure(seed: seed, reason: error.reason, history: again.history)
        }
    }

    /// Runs until every process has ended.
    package func run() throws(SimulationFailure) -> Outcome {
        for place in 0..<plan.workers { start(place: place) }
        for _ in 0..<plan.faultCount {
            let fault = plan.faults[random.number(0...plan.faults.count - 1)]
            queue.add(.faultOccurs(fault), at: random.number(below: 3 * plan.expectedNanoseconds + 100_000_000))
        }
        wakeCoordinator(at: 0)
        while let (now, happening) = queue.next() {
            time = now
            if let crash, crash.event == events, stage != .ended, processes.indices.contains(crash.process) {
                end(crash.process, .died, noticedAfter: 1_000_000)
            }
            events += 1
            if events > Self.eventLimit { throw broken("it does not end; \(machine.status)") }
            apply(happening)
            if let firstProblem { throw broken(firstProblem) }
            if stage == .ended, processes.allSatisfy({ !$0.isAlive }) { break }
        }
        guard stage == .ended else { throw broken("nothing happens any more; \(machine.status)") }
        if let survivor = processes.firstIndex(where: \.isAlive) { throw broken("process \(survivor) never ends") }
        if failure == nil { try checkWeights() }
        if var record { try check(replayOf: record.drainBytes()) }
        if plan.isPeaceful, crash == nil, failure != nil || machine.counts.lost > 0 {
            throw broken("workers were lost without any fault: \(machine.counts)")
        }
        return Outcome(
            failure: failure, counts: machine.counts, faults: faults, restarts: restartPolicy.count, events: events,
            wrongAnswers: wrongAnswers, overwritten: overwritten, slowReports: slowReports,
            seconds: Double(time) * 1e-9,
            computedByCoordinator: computedByCoordinator,
            workerCountChoices: workerCountChoices, stepsAlone: stepsAlone, sharesComputed: sharesComputed,
            outdated: outdated)
    }

    private func apply(_ happening: Happening) {
        log { "\(happening)" }
        switch happening {
        case .arrivesUp(let connection, let message): arrive(message, from: connection)
        case .arrivesDown(let connection, let message): arrive(message, over: connection)
        case .coordinatorLosesPeer(let connection):
            inbox.append(.lost(connection: connection))
            wakeCoordinator(at: time)
        case .workerLosesConnection(let connection): loseConnection(connection)
        case .connects(let process): connect(process)
        case .coordinatorWakes: wakeCoordinator()
        case .workerWakes(let process): wake(process)
        case .starts(let place):
            for due in restartPolicy.startDue(now: now) where stage != .ended { start(place: due) }
            _ = place
        case .faultOccurs(let fault): inject(fault)
        }
    }

    var now: Instant { Instant(nanoseconds: time) }

    func tree(of step: UInt64) -> SummationTree {
        step + 1 == UInt64(plan.steps) ? lastTree : fullTree
    }

    /// Records a broken invariant; the first one ends the run.
    func report(_ problem: String) {
        firstProblem = firstProblem ?? problem
    }

    func log(_ text: () -> String) {
        if keepsHistory { history.append("\(Double(time / 1_000) / 1_000) ms: \(text())") }
    }

    private func broken(_ reason: String) -> SimulationFailure {
        SimulationFailure(seed: plan.seed, reason: reason)
    }

    /// The same events must give the same actions.
    private func check(replayOf record: [UInt8]) throws(SimulationFailure) {
        do throws(EventReplay.Failure) {
            _ = try record.span.bytes.withUnsafeBytes { bytes throws(EventReplay.Failure) in
                try EventReplay.run(bytes)
            }
        } catch {
            throw broken("\(error)")
        }
    }

    /// Compares the final weights with those of an undisturbed run.
    private func checkWeights() throws(SimulationFailure) {
        var expected = (0..<plan.chunks).map { StandInArithmetic.initialWeights(chunk: $0) }
        for step in 0..<UInt64(plan.steps) {
            let digest = StandInArithmetic.digest(expected)
            let tree = tree(of: step)
            for chunk in expected.indices {
                StandInArithmetic.gradient(
                    of: tree.root, in: tree, chunk: chunk, digest: digest, into: scratch.pointer, count: plan.batch)
                expected[chunk] = StandInArithmetic.update(expected[chunk], sum: scratch.pointer, count: plan.batch)
            }
        }
        guard version == UInt64(plan.steps), weights[Int(version & 1)] == expected else {
            throw broken("the weights differ from those of the undisturbed run")
        }
    }
}

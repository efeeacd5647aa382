import Glibc
import LockstepArtifacts
import LockstepCluster
import LockstepRuntime
import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// One run of a coordinator and workers, each a process of its own, while a plan is carried out.
final class ChaosRun {
    /// What a series of runs has in common.
    struct Setting {
        /// Of `coordinator`, without endpoint, workers and directory.
        var coordinatorArguments: [String]
        var workerArguments: [String]
        var workers: Int
        /// Whether even the last healthy worker may be hit.
        var sparesNone: Bool
        var context: Context
        var stop: StopSignals
        /// Told what is done, in a line.
        var tell: (String) -> Void
    }

    /// A run without any change is broken off after this time.
    private static let patience = Duration.seconds(90)

    private let setting: Setting
    private let plan: ChaosPlan
    private let output: String
    private let logs: String
    private let sockets: RuntimeDirectory
    private let endpoint: Endpoint
    private let watch: RunWatch
    private let relay: Relay?
    private let start = MonotonicClock.now
    private var coordinator: ChildProcess?
    /// When a killed coordinator comes back, and with how many workers.
    private var comeback: (at: Instant, workers: Int)?
    private var workers: [ChaosWorker] = []
    private var nextEvent = 0
    private var outcome = ChaosOutcome()

    /// - Parameters:
    ///   - setting: What to run.
    ///   - plan: What to do to it.
    ///   - output: The run directory; logs are written beside it.
    /// - Throws: What is missing to start.
    init(_ setting: Setting, _ plan: ChaosPlan, output: String) throws {
        self.setting = setting
        self.plan = plan
        self.output = output
        logs = output + "-logs"
        guard mkdir(logs, 0o777) == 0 || errno == EEXIST else {
            throw SystemError("make the folder", code: errno, path: logs)
        }
        sockets = try RuntimeDirectory.make()
        let path = sockets.path + "/coordinator"
        endpoint = .ipc(path: path)
        // Connections that nobody is to break go the straight way.
        let needsRelay = plan.events.contains { $0.fault == .drop || $0.fault == .partition }
        relay = needsRelay ? try Relay(folder: sockets.path, coordinator: path) : nil
        watch = try RunWatch(endpoint, context: setting.context)
    }

    /// Runs to the end.
    ///
    /// - Returns: What came of it; failures of the run included.
    /// - Throws: `RunError.interrupted` on a signal, and what keeps processes from being started.
    func run() throws -> ChaosOutcome {
        defer {
            watch.end()
            for worker in workers { worker.end() }
            coordinator?.send(signal: SIGKILL)
            relay?.end()
        }
        try startCoordinator(workers: setting.workers, isResumed: false)
        for _ in 0..<setting.workers { try addWorker(isExtra: false) }
        while true {
            if let ending = try turn() {
                conclude(ending)
                return outcome
            }
        }
    }

    /// A few milliseconds; how the coordinator ended, once it has by itself.
    private func turn() throws -> ChildProcess.Exit? {
        if let signal = setting.stop.requested { throw RunError.interrupted(signal: signal) }
        if let ending = coordinator?.wait(until: .after(.milliseconds(2))) { return ending }
        if coordinator == nil { usleep(2_000) }
        let now = MonotonicClock.now
        try advance(to: now)
        let view = watch.latest
        if now.since(view.changedAt) > Self.patience {
            outcome.problems.append("nothing has happened for \(Self.patience.components.seconds) s")
            coordinator?.send(signal: SIGKILL)
            return coordinator?.wait(until: .never) ?? .signalled(SIGKILL)
        }
        guard nextEvent < plan.events.count, coordinator != nil, let step = view.step else { return nil }
        let event = plan.events[nextEvent]
        if step >= event.step, try inject(event, view, now: now) { nextEvent += 1 }
        return nil
    }

    // MARK: - Processes

    private func startCoordinator(workers: Int, isResumed: Bool) throws {
        let most = min(WorkerCount.maximum, 2 * max(workers, setting.workers) + plan.events.count)
        let arguments =
            ["coordinator"] + setting.coordinatorArguments
            + ["--bind", "\(endpoint)", "--workers", "\(workers):\(most)", "--output", output]
            + (isResumed ? ["--resume"] : [])
        coordinator = try process(arguments, number: nil, log: "coordinator.log")
    }

    private func addWorker(isExtra: Bool) throws {
        let number = workers.count
        let path = try relay?.open(lane: number)
        workers.append(
            ChaosWorker(number: number, isExtra: isExtra, process: try startWorker(number, connectingTo: path)))
    }

    private func startWorker(_ number: Int, connectingTo lane: String?) throws -> ChildProcess {
        let endpoint = lane.map { Endpoint.ipc(path: $0) } ?? endpoint
        return try process(
            ["worker", "--connect", "\(endpoint)"] + setting.workerArguments, number: number,
            log: "worker-\(number).log")
    }

    private func process(_ arguments: [String], number: Int?, log: String) throws -> ChildProcess {
        let path = "\(logs)/\(log)"
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw SystemError("open the log", code: errno, path: path) }
        defer { close(file) }
        let environment = number.map { [InjectedFault.numberVariable: "\($0)"] } ?? [:]
        return try ChildProcess(
            ChildProcess.Command(arguments: arguments, environment: environment, output: .file(file)))
    }

    /// Ends disturbances whose time has come, and replaces what has died.
    private func advance(to now: Instant) throws {
        for index in workers.indices {
            switch workers[index].advance(to: now) {
            case .restart: try restart(index)
            case .heal(let isCut):
                let number = workers[index].number
                if isCut { relay?.cut(lane: number) }
                relay?.hold(lane: number, false)
            case nil: break
            }
            guard workers[index].isHealthy, let ending = workers[index].process.reap() else { continue }
            // Nobody has done anything to it. At a run's end workers leave by themselves.
            if ending.isSuccess { continue }
            outcome.problems.append("worker \(index) ended with \(ending) by itself; see \(logs)/worker-\(index).log")
            try restart(index)
        }
        if let comeback, comeback.at <= now {
            self.comeback = nil
            try changeWorkers(to: comeback.workers)
            try startCoordinator(workers: comeback.workers, isResumed: true)
        }
    }

    private func restart(_ index: Int) throws {
        let lane = relay == nil ? nil : "\(sockets.path)/lane-\(index)"
        workers[index].process = try startWorker(index, connectingTo: lane)
        workers[index].condition = .healthy
    }

    /// Has so many worker processes run, those included that are disturbed and come back.
    private func changeWorkers(to count: Int) throws {
        var present = workers.indices.filter { if case .gone = workers[$0].condition { false } else { true } }
        while present.count > count, let last = present.popLast() {
            workers[last].end()
            workers[last].condition = .gone
        }
        for _ in present.count..<max(count, present.count) { try addWorker(isExtra: false) }
    }

    // MARK: - Faults

    /// Does what the plan says, if that is possible now.
    private func inject(_ event: ChaosPlan.Event, _ view: RunWatch.View, now: Instant) throws -> Bool {
        let duration = Duration.seconds(event.seconds)
        switch event.fault {
        case .join:
            try addWorker(isExtra: true)
            tell(event, view, workers.count - 1, "")
        case .coordinator:
            killCoordinator(event, view, now: now)
        case .kill, .stop, .slow, .drop, .partition:
            let healthy = workers.indices.filter {
                workers[$0].isHealthy && view.members.contains(workers[$0].process.processID)
            }
            guard healthy.count > (setting.sparesNone ? 0 : 1) else { return false }
            disturb(healthy[Int(event.victim) % healthy.count], event, view, duration, now: now)
        }
        outcome.injected[event.fault, default: 0] += 1
        return true
    }

    private func disturb(
        _ index: Int, _ event: ChaosPlan.Event, _ view: RunWatch.View, _ duration: Duration, now: Instant
    ) {
        let time = "\(decimal(event.seconds, 2)) s"
        switch event.fault {
        case .kill:
            tell(event, view, index, workers[index].isExtra ? "" : "replaced after \(time)")
            workers[index].kill(replacedAfter: duration, now: now)
        case .stop:
            tell(event, view, index, "for \(time)")
            workers[index].stop(for: duration, now: now)
        case .slow:
            tell(event, view, index, "a tenth of its time for \(time)")
            workers[index].slow(for: duration, now: now)
        case .drop:
            tell(event, view, index, "no connection for \(time)")
            relay?.cut(lane: index)
            relay?.hold(lane: index, true)
            workers[index].condition = .apart(until: now.advanced(by: duration), isCut: true)
        case .partition:
            tell(event, view, index, "for \(time), then \(event.isHarsh ? "the connection is cut" : "it heals")")
            relay?.hold(lane: index, true)
            workers[index].condition = .apart(until: now.advanced(by: duration), isCut: event.isHarsh)
        case .join, .coordinator:
            break
        }
    }

    private func killCoordinator(_ event: ChaosPlan.Event, _ view: RunWatch.View, now: Instant) {
        let seen = view.step ?? 0
        let present = workers.count { if case .gone = $0.condition { false } else { true } }
        let others = (1...setting.workers + 1).filter { $0 != present }
        let count = event.isHarsh ? others[Int(event.victim) % others.count] : present
        let change =
            count == present ? "" : " with \(count == 1 ? "1 worker" : "\(count) workers") instead of \(present)"
        let text = "back after \(decimal(event.seconds, 2)) s" + change
        let processID = coordinator?.processID ?? 0
        coordinator?.send(signal: SIGKILL)
        _ = coordinator?.wait(until: .never)
        coordinator = nil
        let saved = (try? RunDirectory(existing: output).checkpoints.steps().first) ?? 0
        outcome.redoneSteps.append(seen > saved ? seen - saved : 0)
        setting.tell(line(seen, "kill coordinator", processID, "\(text); the newest checkpoint is of step \(saved)"))
        comeback = (now.advanced(by: .seconds(event.seconds)), count)
    }

    private func tell(_ event: ChaosPlan.Event, _ view: RunWatch.View, _ index: Int, _ text: String) {
        let whom = "\(event.fault.rawValue) worker \(index)"
        setting.tell(line(view.step ?? 0, whom, workers[index].process.processID, text))
    }

    private func line(
        _ step: UInt64, _ what: String, _ process: Int32, _ text: String
    ) -> String {
        let passed = MonotonicClock.now.since(start).components
        let seconds = Double(passed.seconds) + Double(passed.attoseconds) * 1e-18
        return "  \(decimal(seconds, 3)) s   step \(grouped(Int(clamping: step)))   \(what) "
            + "(pid \(process))\(text.isEmpty ? "" : ": \(text)")"
    }

    // MARK: - The end

    private func conclude(_ ending: ChildProcess.Exit) {
        outcome.planned = plan.events.count
        guard ending.isSuccess else {
            outcome.problems.append("the coordinator ended with \(ending); see \(logs)/coordinator.log")
            return
        }
        do {
            outcome.summary = try RunSummary.load(RunDirectory(existing: output))
        } catch {
            outcome.problems.append("\(error)")
        }
    }
}

import Glibc
import LockstepArtifacts
import LockstepCluster
import LockstepRuntime
package import LockstepSystem
import LockstepTimeline
package import ZeroMQ

/// One run of a coordinator and workers, each a process of its own, while a plan of faults is carried out.
package final class ChaosRun {
    /// What the runs of a series have in common.
    package struct Setup: Sendable {
        /// The command line of `coordinator`, without endpoint, workers and directory.
        package var coordinatorArguments: [String]
        package var workerArguments: [String]
        package var workers: Int
        /// The most workers that a run can have.
        package var workerLimit: Int
        /// Whether faults may hit the last healthy worker too.
        package var sparesNone: Bool
        /// How the status is asked for.
        package var security: ConnectionSecurity

        package init(
            coordinatorArguments: [String], workerArguments: [String], workers: Int, workerLimit: Int,
            sparesNone: Bool, security: ConnectionSecurity = .none
        ) {
            self.coordinatorArguments = coordinatorArguments
            self.workerArguments = workerArguments
            self.workers = workers
            self.workerLimit = workerLimit
            self.sparesNone = sparesNone
            self.security = security
        }
    }

    /// A run whose step and workers do not change is ended after this time.
    private static let stallTimeout = Duration.seconds(90)

    private let setup: Setup
    private let plan: ChaosPlan
    private let output: String
    private let stop: StopSignals
    private let notify: (ChaosInjection) -> Void
    private let logs: String
    private let sockets: SocketFolder
    private let endpoint: Endpoint
    private let watch: RunWatch
    private let relay: Relay?
    private let start = Instant.now
    private var coordinator: ChildProcess?
    /// When a killed coordinator is started again, and with how many workers.
    private var restart: (at: Instant, workers: Int)?
    private var workers: [ChaosWorker] = []
    private var nextEvent = 0
    private var outcome = ChaosOutcome()

    /// - Parameters:
    ///   - setup: What to run.
    ///   - plan: The faults.
    ///   - output: The run directory; logs are written beside it.
    ///   - context: The process's ZeroMQ context.
    ///   - stop: The signals that end the run early.
    ///   - notify: Told of every fault.
    /// - Throws: What is missing to start.
    package init(
        _ setup: Setup, _ plan: ChaosPlan, output: String, context: Context, stop: StopSignals,
        notify: @escaping (ChaosInjection) -> Void
    ) throws {
        self.setup = setup
        self.plan = plan
        self.output = output
        self.stop = stop
        self.notify = notify
        logs = output + "-logs"
        guard mkdir(logs, 0o777) == 0 || errno == EEXIST else {
            throw SystemError("make the folder", code: errno, path: logs)
        }
        sockets = try SocketFolder.make()
        let path = sockets.path + "/coordinator"
        endpoint = .ipc(path: path)
        // Without faults of the network, workers connect to the coordinator directly.
        let needsRelay = plan.events.contains(where: \.fault.isOfNetwork)
        relay = needsRelay ? try Relay(folder: sockets.path, coordinator: path) : nil
        watch = try RunWatch(endpoint, security: setup.security, context: context)
    }

    /// Runs to the end.
    ///
    /// - Returns: How the run ended, also if it failed.
    /// - Throws: `RunError.interrupted` on a signal, and what keeps processes from being started.
    package func run() throws -> ChaosOutcome {
        defer {
            watch.end()
            for worker in workers { worker.end() }
            coordinator?.send(signal: SIGKILL)
            relay?.end()
        }
        try startCoordinator(workers: setup.workers, isResumed: false)
        for _ in 0..<setup.workers { try addWorker(isExtra: false) }
        while true {
            if let ending = try poll() {
                conclude(ending)
                return outcome
            }
        }
    }

    /// Waits for two milliseconds and does what is due; returns how the coordinator ended once it has ended by itself.
    private func poll() throws -> ChildProcess.Exit? {
        if let signal = stop.requested { throw RunError.interrupted(signal: signal) }
        if let ending = coordinator?.wait(until: .after(.milliseconds(2))) { return ending }
        if coordinator == nil { usleep(2_000) }
        let now = Instant.now
        try advance(to: now)
        let view = watch.latest
        if now.since(view.changedAt) > Self.stallTimeout {
            outcome.problems.append("nothing has happened for \(Self.stallTimeout.components.seconds) s")
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
        let maximum = min(setup.workerLimit, 2 * max(workers, setup.workers) + plan.events.count)
        let arguments =
            ["coordinator"] + setup.coordinatorArguments
            + ["--bind", "\(endpoint)", "--workers", "\(workers):\(maximum)", "--output", output]
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
            ["worker", "--connect", "\(endpoint)"] + setup.workerArguments, number: number,
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

    /// Ends faults whose time is over, and replaces processes that have died.
    private func advance(to now: Instant) throws {
        for index in workers.indices {
            switch workers[index].advance(to: now) {
            case .restart: try restartWorker(index)
            case .heal(let isCut):
                let number = workers[index].number
                if isCut { relay?.cut(lane: number) }
                relay?.hold(lane: number, false)
            case nil: break
            }
            guard workers[index].isHealthy, let ending = workers[index].process.reap() else { continue }
            // No fault has hit it. At the end of a run workers exit by themselves.
            if ending.isSuccess { continue }
            outcome.problems.append("worker \(index) ended with \(ending) by itself; see \(logs)/worker-\(index).log")
            try restartWorker(index)
        }
        if let restart, restart.at <= now {
            self.restart = nil
            try changeWorkers(to: restart.workers)
            try startCoordinator(workers: restart.workers, isResumed: true)
        }
    }

    private func restartWorker(_ index: Int) throws {
        let lane = relay == nil ? nil : "\(sockets.path)/lane-\(index)"
        workers[index].process = try startWorker(index, connectingTo: lane)
        workers[index].condition = .healthy
    }

    /// Starts or ends worker processes until there are so many, including those that a fault has hit for a while.
    private func changeWorkers(to count: Int) throws {
        var present = workers.indices.filter { if case .gone = workers[$0].condition { false } else { true } }
        while present.count > count, let last = present.popLast() {
            workers[last].end()
            workers[last].condition = .gone
        }
        for _ in present.count..<max(count, present.count) { try addWorker(isExtra: false) }
    }

    // MARK: - Faults

    /// Makes the fault of an event happen; returns whether that is possible now.
    private func inject(_ event: ChaosPlan.Event, _ view: RunWatch.View, now: Instant) throws -> Bool {
        switch event.fault {
        case .join:
            try addWorker(isExtra: true)
            report(event, view, workers.count - 1, .none)
        case .coordinator:
            killCoordinator(event, view, now: now)
        default:
            let healthy = workers.indices.filter {
                workers[$0].isHealthy && view.members.contains(workers[$0].process.processID)
            }
            guard healthy.count > (setup.sparesNone ? 0 : 1) else { return false }
            disturb(healthy[Int(event.victim) % healthy.count], event, view, now: now)
        }
        outcome.injected[event.fault, default: 0] += 1
        return true
    }

    private func disturb(_ index: Int, _ event: ChaosPlan.Event, _ view: RunWatch.View, now: Instant) {
        let (seconds, duration) = (event.seconds, Duration.seconds(event.seconds))
        switch event.fault {
        case .kill:
            report(event, view, index, workers[index].isExtra ? .none : .replaced(after: seconds))
            workers[index].kill(replacedAfter: duration, now: now)
        case .stop:
            report(event, view, index, .stopped(seconds: seconds))
            workers[index].stop(for: duration, now: now)
        case .slow:
            report(event, view, index, .slowed(seconds: seconds))
            workers[index].slow(for: duration, now: now)
        case .drop:
            report(event, view, index, .disconnected(seconds: seconds))
            relay?.cut(lane: index)
            relay?.hold(lane: index, true)
            workers[index].condition = .partitioned(until: now.advanced(by: duration), isCut: true)
        case .partition:
            report(event, view, index, .partitioned(seconds: seconds, isCut: event.isHarsh))
            relay?.hold(lane: index, true)
            workers[index].condition = .partitioned(until: now.advanced(by: duration), isCut: event.isHarsh)
        case .delay:
            report(event, view, index, .delayed(seconds: seconds, isDown: event.isHarsh))
            relay?.hold(lane: index, event.isHarsh ? .down : .up)
            workers[index].condition = .partitioned(until: now.advanced(by: duration), isCut: false)
        case .flip, .truncate, .duplicate, .replay, .reorder:
            guard let kind = event.fault.damage else { return }
            report(event, view, index, .damaged(isDown: event.isHarsh))
            relay?.damage(lane: index, RelayDamage(kind: kind, way: event.isHarsh ? .down : .up, place: event.victim))
        case .join, .coordinator:
            break
        }
    }

    private func killCoordinator(_ event: ChaosPlan.Event, _ view: RunWatch.View, now: Instant) {
        let step = view.step ?? 0
        let present = workers.count { if case .gone = $0.condition { false } else { true } }
        let others = (1...setup.workers + 1).filter { $0 != present }
        let count = event.isHarsh ? others[Int(event.victim) % others.count] : present
        let processID = coordinator?.processID ?? 0
        coordinator?.send(signal: SIGKILL)
        _ = coordinator?.wait(until: .never)
        coordinator = nil
        let checkpoint = (try? RunDirectory(existing: output).checkpoints.steps().first) ?? 0
        outcome.redoneSteps.append(step > checkpoint ? step - checkpoint : 0)
        notify(
            ChaosInjection(
                seconds: secondsSinceStart, step: step, fault: .coordinator, target: .coordinator,
                processID: processID,
                effect: .resumed(after: event.seconds, workers: count, before: present, checkpoint: checkpoint)))
        restart = (now.advanced(by: .seconds(event.seconds)), count)
    }

    private func report(
        _ event: ChaosPlan.Event, _ view: RunWatch.View, _ index: Int, _ effect: ChaosInjection.Effect
    ) {
        notify(
            ChaosInjection(
                seconds: secondsSinceStart, step: view.step ?? 0, fault: event.fault, target: .worker(index),
                processID: workers[index].process.processID, effect: effect))
    }

    private var secondsSinceStart: Double { Instant.now.seconds(since: start) }

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

import Glibc
import LockstepCluster
import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// The worker processes that a coordinator starts on its own host: the same program, with `worker --connect`.
///
/// A worker watches its standard input, a socket whose other end the coordinator holds, so it ends when the coordinator
/// does. Each worker is in a process group of its own, so that Ctrl-C reaches only the coordinator. A worker that dies is
/// restarted after a pause.
final class LocalWorkers {
    /// Where the workers' lines go.
    enum Output {
        /// Into a file for each worker's number.
        case logs((Int) -> String)
        /// To a relay, under the worker's number.
        case relay(LineRelay)
    }

    private struct Worker {
        let process: ChildProcess
        /// The path of its log; nil if it has none.
        let log: String?
        var ending: ChildProcess.Exit?
        /// Whether it has said goodbye or is under quarantine. A goodbye for a changed data set counts only if the host is
        /// excluded.
        var hasLeft = false
        /// Whether another process takes its place although it has left: it is under quarantine, and no other worker
        /// is there.
        var mustBeReplaced = false
        var hasJoined = false
        /// Whether a signal told it to stop.
        var wasToldToStop = false
    }

    private let count: Int
    private let program: WorkerProgram
    private let endpoint: Endpoint
    private let arguments: [String]
    private let output: Output
    private var restartPolicy: RestartPolicy
    private var workers: [Worker] = []
    private let running = RunningProcesses()
    private var watch: ((ParentChildSocket) throws -> Void)?

    /// Starts `count` workers.
    ///
    /// - Parameters:
    ///   - count: The number of workers.
    ///   - program: What they run.
    ///   - endpoint: Where the coordinator listens.
    ///   - arguments: Further arguments of the worker command.
    ///   - maximumRestarts: The most restarts in the whole run.
    ///   - deadlines: The pauses before restarts.
    ///   - output: Where their lines go.
    /// - Throws: `SystemError` if a log cannot be opened or a process cannot be started.
    init(
        count: Int, program: WorkerProgram, endpoint: Endpoint, arguments: [String], maximumRestarts: Int,
        deadlines: Deadlines, output: Output
    ) throws {
        self.count = count
        self.program = program
        self.endpoint = endpoint
        self.arguments = arguments
        self.output = output
        restartPolicy = RestartPolicy(places: count, limit: maximumRestarts, deadlines: deadlines, now: .now)
        for index in 0..<count { workers.append(try start(index)) }
    }

    private func start(_ index: Int) throws -> Worker {
        let file = try openOutput(index)
        let path: String? = if case .logs(let log) = output { log(index) } else { nil }
        let command = ChildProcess.Command(
            executable: program.executable ?? ChildProcess.Command.thisProgram,
            arguments: program.command + ["--connect", "\(endpoint)"] + arguments
                + SchedulingPolicy.arguments(place: index, of: count),
            environment: LocalWorkerEnvironment.removedVariables.merging(
                [InjectedFault.numberVariable: "\(index)"], uniquingKeysWith: { $1 }),
            output: .file(file.number))
        let process = try ChildProcess(command)
        running.set(process, at: index)
        try watch?(process.socket)
        return Worker(process: process, log: path)
    }

    /// Where the worker of this number writes its lines.
    private func openOutput(_ index: Int) throws -> FileDescriptor {
        switch output {
        case .relay(let relay):
            return try relay.makePipe(named: "\(index)")
        case .logs(let log):
            let number = open(log(index), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
            guard number >= 0 else { throw SystemError("open the log", code: errno, path: log(index)) }
            return FileDescriptor(owning: number)
        }
    }

    /// The number of restarts, including planned ones.
    var restarts: Int { restartPolicy.count }

    /// When the next worker must be restarted; nil if none.
    var nextDue: Instant? { restartPolicy.nextStart }

    /// Checks which workers have ended, and restarts workers whose pause is over.
    ///
    /// - Parameters:
    ///   - isGathering: Whether the run still waits for its first workers; a worker that exits now has not joined.
    ///   - isNeeded: Whether the run cannot continue without workers.
    ///   - notify: Called for each planned restart, and for each worker that is not restarted.
    /// - Throws: ``RunError`` if a worker exits before it has joined, or if workers are needed, all have ended and none will
    ///   be restarted; `SystemError` if a worker cannot be restarted.
    func check(isGathering: Bool, isNeeded: Bool, notify: (ClusterNotice) -> Void) throws {
        guard !workers.isEmpty else { return }
        for index in workers.indices where workers[index].ending == nil {
            guard let ending = workers[index].process.reap() else { continue }
            workers[index].ending = ending
            if isGathering, !workers[index].hasJoined, case .exited = ending {
                throw RunError.workerDidNotJoin(
                    index: index, ending: "ended with \(ending)",
                    logTail: workers[index].log.flatMap { lastLines(of: $0, count: 1).last },
                    log: workers[index].log)
            }
            decide(index, notify)
        }
        for index in restartPolicy.startDue(now: .now) { workers[index] = try start(index) }
        if isNeeded || isGathering, let last = workers.last, let ending = last.ending,
            workers.allSatisfy({ $0.ending != nil }), nextDue == nil
        {
            if workers.allSatisfy(\.wasToldToStop) { throw RunError.workersToldToStop }
            throw RunError.noWorkersLeft(ending: "with \(ending)", log: last.log)
        }
    }

    /// Lets the restart policy decide about a worker that has ended, and reports its decision.
    private func decide(_ index: Int, _ notify: (ClusterNotice) -> Void) {
        // Its goodbye may still lie unread.
        if workers[index].ending?.wasToldToStop == true { workers[index].wasToldToStop = true }
        let hasLeft =
            workers[index].hasLeft || workers[index].wasToldToStop || workers[index].ending?.isSuccess == true
        let isReplaced = !hasLeft || workers[index].mustBeReplaced
        switch restartPolicy.processEnded(at: index, isReplaced ? .died : .left, now: .now) {
        case .restart(let seconds, let count, let limit):
            notify(.replacing(place: index, seconds: seconds, count: count, limit: limit))
        case .exhausted(let limit):
            notify(.notReplaced(place: index, limit: limit))
        case .none:
            break
        }
    }

    /// Records whether a worker has joined or left, as the coordinator reports it.
    func update(with notice: ClusterNotice) {
        switch notice {
        case .joined(let member, _), .joinedWithOtherBits(let member, _, _):
            if let index = index(ofProcess: member.processID) { workers[index].hasJoined = true }
        case .left(let member, _, _):
            guard let index = index(ofProcess: member.processID) else { return }
            workers[index].hasLeft = true
            if notice.callsForCheckpoint { workers[index].wasToldToStop = true }
        case .quarantined(let member, _, _, let active):
            // While others compute, the run is better off without a process of a host that may be faulty.
            guard let index = index(ofProcess: member.processID) else { return }
            (workers[index].hasLeft, workers[index].mustBeReplaced) = (true, active == 0)
        case .dataChanged(let member, _, isHostExcluded: true):
            // Before its host is excluded, the worker is replaced like one that died: the new process loads the data set anew.
            if let index = index(ofProcess: member.processID) { workers[index].hasLeft = true }
        case .notProved(let member, _, saidGoodbye: true):
            if let index = index(ofProcess: member.processID) { workers[index].hasLeft = true }
        default:
            break
        }
    }

    /// Calls `watch` with the coordinator's end of each worker's standard input, now and whenever a worker is restarted.
    func watchSockets(_ watch: @escaping (ParentChildSocket) throws -> Void) rethrows {
        for worker in workers { try watch(worker.process.socket) }
        self.watch = watch
    }

    /// Kills all running workers. Any thread may call the closure, for instance when this process must end at once.
    var killAll: @Sendable () -> Void {
        { [running] in running.killAll() }
    }

    /// How the worker with this process ID ended; nil if it has not, or is not one of these workers. Waits for up to 50 ms.
    func ending(ofProcess processID: UInt32) -> String? {
        guard let index = index(ofProcess: processID) else { return nil }
        // A connection ends shortly before its process can be reaped.
        return (workers[index].ending ?? workers[index].process.wait(until: .after(.milliseconds(50)))).map { "\($0)" }
    }

    /// A worker process that has ended and has not been restarted.
    struct Death {
        let place: Int
        let processID: UInt32
        let ending: String
        let log: String?
    }

    /// Workers that failed and count as neither gone nor stopped, in the order of their places.
    var deaths: [Death] {
        workers.enumerated().compactMap { place, worker in
            guard let ending = worker.ending, !ending.isSuccess, !worker.hasLeft, !worker.wasToldToStop else {
                return nil
            }
            return Death(
                place: place, processID: UInt32(bitPattern: worker.process.processID), ending: "\(ending)",
                log: worker.log)
        }
    }

    /// The path of the log of the worker with this process ID; nil if it is not one of these workers.
    func log(ofProcess processID: UInt32) -> String? { index(ofProcess: processID).flatMap { workers[$0].log } }

    private func index(ofProcess processID: UInt32) -> Int? {
        workers.firstIndex { $0.process.processID == Int32(bitPattern: processID) }
    }

    /// Waits up to `grace` seconds for the workers to end, tells the others to stop, and kills those that still run a
    /// second later.
    func stop(grace: Double) {
        var rest = waitForEnd(of: workers.filter { $0.ending == nil }.map(\.process), seconds: grace)
        for process in rest {
            process.send(signal: SIGTERM)
            // A stopped process handles SIGTERM only after it continues.
            process.send(signal: SIGCONT)
        }
        rest = waitForEnd(of: rest, seconds: 1)
        for process in rest { process.terminate(grace: .zero) }
        workers.removeAll()
        running.removeAll()
    }

    /// Waits until all of these have ended, up to so many seconds; returns those that have not.
    private func waitForEnd(of processes: [ChildProcess], seconds: Double) -> [ChildProcess] {
        let deadline = Deadline.after(.seconds(seconds))
        return processes.filter { $0.wait(until: deadline) == nil }
    }
}

/// The program that local workers run.
package struct WorkerProgram: Hashable, Sendable {
    /// Its path; nil: this process's own program.
    package var executable: String?
    /// The arguments that make it a worker, before `--connect`.
    package var command: [String]

    package init(executable: String? = nil, command: [String] = ["worker"]) {
        self.executable = executable
        self.command = command
    }
}

/// The environment of worker processes whose command line says all that they need.
package enum LocalWorkerEnvironment {
    /// Where a worker that is started by hand listens, and its keys.
    package static let removedVariables: [String: String?] = ["LOCKSTEP_CONNECT": nil, "LOCKSTEP_KEYS": nil]
}

/// The running processes, under a lock, because another thread may kill them.
private final class RunningProcesses: Sendable {
    private let processes = Locked<[Int: ChildProcess]>([:])

    func set(_ process: ChildProcess, at place: Int) {
        processes.withLock { $0[place] = process }
    }

    func removeAll() {
        processes.withLock { $0.removeAll() }
    }

    func killAll() {
        processes.withLock { for process in $0.values { process.send(signal: SIGKILL) } }
    }
}

import Glibc
import LockstepCluster
import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// The worker processes that a coordinator starts on its own host: the same program, with `worker --connect`.
///
/// They die with their coordinator, whose end of their standard input they watch, and they are in process groups of
/// their own, so that Ctrl-C reaches the coordinator alone. One that dies is replaced after a pause.
final class LocalWorkers {
    private struct Worker {
        let process: ChildProcess
        let log: String
        var ending: ChildProcess.Exit?
        /// Whether it has said goodbye or been sent home: then it is not replaced.
        var hasLeft = false
        var hasJoined = false
    }

    private let count: Int
    private let executable: String
    private let endpoint: Endpoint
    private let arguments: [String]
    private let log: (Int) -> String
    private var restartPolicy: RestartPolicy
    private var workers: [Worker] = []
    private let running = RunningProcesses()
    private var watch: ((ParentChildSocket) throws -> Void)?

    /// Starts `count` workers.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - executable: The program `lockstep`; nil where this process runs it.
    ///   - endpoint: Where the coordinator listens.
    ///   - arguments: More of the command line.
    ///   - maximumRestarts: How many dead ones are replaced.
    ///   - deadlines: The pauses before.
    ///   - log: The path of the log of the worker with this number.
    /// - Throws: `SystemError` if a log cannot be written or a process not started.
    init(
        count: Int, executable: String?, endpoint: Endpoint, arguments: [String], maximumRestarts: Int,
        deadlines: Deadlines, log: @escaping (Int) -> String
    ) throws {
        self.count = count
        self.executable = executable ?? ChildProcess.Command.thisProgram
        self.endpoint = endpoint
        self.arguments = arguments
        self.log = log
        restartPolicy = RestartPolicy(places: count, limit: maximumRestarts, deadlines: deadlines, now: .now)
        for index in 0..<count { workers.append(try start(index)) }
    }

    private func start(_ index: Int) throws -> Worker {
        let path = log(index)
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw SystemError("open the log", code: errno, path: path) }
        defer { close(file) }
        let command = ChildProcess.Command(
            executable: executable,
            arguments: ["worker", "--connect", "\(endpoint)"] + arguments + Courtesy.arguments(place: index, of: count),
            environment: [InjectedFault.numberVariable: "\(index)"], output: .file(file))
        let process = try ChildProcess(command)
        running.set(process, at: index)
        try watch?(process.socket)
        return Worker(process: process, log: path)
    }

    /// Dead ones that were replaced, or soon will be.
    var restarts: Int { restartPolicy.count }

    /// When a replacement is to be started.
    var nextDue: Instant? { restartPolicy.nextStart }

    /// Looks for workers that have ended, and starts those that are due.
    ///
    /// - Parameters:
    ///   - isGathering: Whether the run still waits for its first workers; one that gives up then never joined.
    ///   - isNeeded: Whether the run cannot go on without any.
    ///   - notify: Told of restarts.
    /// - Throws: ``RunError`` when a worker did not join, or when none is left, is needed and will come; `SystemError` if a
    ///   replacement cannot be started.
    func check(isGathering: Bool, isNeeded: Bool, notify: (ClusterNotice) -> Void) throws {
        guard !workers.isEmpty else { return }
        for index in workers.indices where workers[index].ending == nil {
            guard let ending = workers[index].process.reap() else { continue }
            workers[index].ending = ending
            if isGathering, !workers[index].hasJoined, case .exited = ending {
                throw RunError.workerDidNotJoin(
                    index: index, ending: "ended with \(ending)",
                    lastWords: lastLines(of: workers[index].log, count: 1).last,
                    log: workers[index].log)
            }
            decide(index, notify)
        }
        for index in restartPolicy.startDue(now: .now) { workers[index] = try start(index) }
        if isNeeded || isGathering, let last = workers.last, let ending = last.ending,
            workers.allSatisfy({ $0.ending != nil }), nextDue == nil
        {
            throw RunError.noWorkersLeft(ending: "with \(ending)", log: last.log)
        }
    }

    private func decide(_ index: Int, _ notify: (ClusterNotice) -> Void) {
        let hasLeft = workers[index].hasLeft || workers[index].ending?.isSuccess == true
        switch restartPolicy.processEnded(at: index, hasLeft ? .left : .died, now: .now) {
        case .restart(let seconds, let count, let limit):
            notify(.replacing(place: index, seconds: seconds, count: count, limit: limit))
        case .exhausted(let limit):
            notify(.notReplaced(place: index, limit: limit))
        case .none:
            break
        }
    }

    /// Takes note of what the coordinator has heard of a worker.
    func note(_ notice: ClusterNotice) {
        switch notice {
        case .joined(let member, _), .joinedWithOtherBits(let member, _, _):
            if let index = index(ofProcess: member.processID) { workers[index].hasJoined = true }
        case .left(let member, _, _), .quarantined(let member, _, _, _):
            if let index = index(ofProcess: member.processID) { workers[index].hasLeft = true }
        default:
            break
        }
    }

    /// Hands over this end of the standard input of each worker, and later that of each replacement.
    func watchSockets(_ watch: @escaping (ParentChildSocket) throws -> Void) rethrows {
        for worker in workers { try watch(worker.process.socket) }
        self.watch = watch
    }

    /// Kills the workers that run when it is called; from any thread, for a process that ends at once.
    var killAll: @Sendable () -> Void {
        { [running] in running.killAll() }
    }

    /// How the worker with this process id ended, if it is one of ours and has.
    func ending(ofProcess processID: UInt32) -> String? {
        guard let index = index(ofProcess: processID) else { return nil }
        // The connection's end is seen before the process's, by a moment.
        return (workers[index].ending ?? workers[index].process.wait(until: .after(.milliseconds(50)))).map { "\($0)" }
    }

    /// A process that has ended and has not been replaced.
    struct Death {
        let place: Int
        let processID: UInt32
        let ending: String
        let log: String
    }

    /// Those that did not leave of their own accord, in the order of their places.
    var deaths: [Death] {
        workers.enumerated().compactMap { place, worker in
            guard let ending = worker.ending, !ending.isSuccess, !worker.hasLeft else { return nil }
            return Death(
                place: place, processID: UInt32(bitPattern: worker.process.processID), ending: "\(ending)",
                log: worker.log)
        }
    }

    /// The log of the worker with this process id, if it is one of ours.
    func log(ofProcess processID: UInt32) -> String? { index(ofProcess: processID).map { workers[$0].log } }

    private func index(ofProcess processID: UInt32) -> Int? {
        workers.firstIndex { $0.process.processID == Int32(bitPattern: processID) }
    }

    /// Ends those that have not ended by themselves within the grace.
    func stop(grace: Double) {
        let deadline = Deadline.after(.seconds(grace))
        for worker in workers where worker.ending == nil {
            if worker.process.wait(until: deadline) == nil { worker.process.terminate(grace: .seconds(1)) }
        }
        workers.removeAll()
        running.forgetAll()
    }
}

/// The processes that run, for whoever has to end them from another thread.
private final class RunningProcesses: Sendable {
    private let processes = Locked<[Int: ChildProcess]>([:])

    func set(_ process: ChildProcess, at place: Int) {
        processes.withLock { $0[place] = process }
    }

    func forgetAll() {
        processes.withLock { $0.removeAll() }
    }

    func killAll() {
        processes.withLock { for process in $0.values { process.send(signal: SIGKILL) } }
    }
}

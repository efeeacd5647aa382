import Glibc
import LockstepCluster
import LockstepSystem
import ZeroMQ

/// The worker processes that a coordinator starts on its own host: the same program, with `worker --connect`.
///
/// They die with their coordinator, whose end of their standard input they watch, and they are in process groups of
/// their own, so that Ctrl-C reaches the coordinator alone.
final class LocalWorkers {
    private struct Worker {
        let index: Int
        let process: ChildProcess
        let log: String
        var ending: ChildProcess.Exit?
    }

    private var workers: [Worker] = []

    /// Starts `count` workers.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - executable: The program `lockstep`; nil where this process runs it.
    ///   - endpoint: Where the coordinator listens.
    ///   - arguments: More of the command line.
    ///   - log: The path of the log of the worker with this number.
    /// - Throws: `SystemError` if a log cannot be written or a process not started.
    init(
        count: Int, executable: String?, endpoint: Endpoint, arguments: [String], log: (Int) -> String
    ) throws {
        for index in 0..<count {
            let path = log(index)
            let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
            guard file >= 0 else { throw SystemError("open the log", code: errno, path: path) }
            defer { close(file) }
            let command = ChildProcess.Command(
                executable: executable ?? ChildProcess.Command.thisProgram,
                arguments: ["worker", "--connect", "\(endpoint)"] + arguments, output: .file(file))
            workers.append(Worker(index: index, process: try ChildProcess(command), log: path))
        }
    }

    /// Looks for workers that have ended.
    ///
    /// - Parameter isGathering: Whether the run still waits for its first workers; one that ends then never joined.
    /// - Throws: ``RunError`` when a worker did not join, or when none is left.
    func check(isGathering: Bool) throws {
        guard !workers.isEmpty else { return }
        for position in workers.indices where workers[position].ending == nil {
            workers[position].ending = workers[position].process.reap()
        }
        if isGathering, let worker = workers.first(where: { $0.ending != nil }), let ending = worker.ending {
            throw RunError.workerDidNotJoin(
                index: worker.index, ending: "ended with \(ending)", lastWords: lastLine(of: worker.log),
                log: worker.log)
        }
        if let last = workers.last, let ending = last.ending, workers.allSatisfy({ $0.ending != nil }) {
            throw RunError.noWorkersLeft(ending: "with \(ending)", log: last.log)
        }
    }

    /// This end of the standard input of each worker.
    var lifelines: [Lifeline] { workers.map(\.process.lifeline) }

    /// Kills the workers that run now; callable from any thread, for a process that ends at once.
    var killAll: @Sendable () -> Void {
        let processes = workers.map(\.process)
        return { for process in processes { process.send(signal: SIGKILL) } }
    }

    /// How the worker with this process id ended, if it is one of ours and has.
    func ending(ofProcess processID: UInt32) -> String? {
        guard
            let position = workers.firstIndex(where: { $0.process.processID == Int32(bitPattern: processID) }),
            // The connection's end is seen before the process's, by a moment.
            let ending = workers[position].ending ?? workers[position].process.wait(until: .after(.milliseconds(100)))
        else { return nil }
        workers[position].ending = ending
        return "\(ending)"
    }

    /// Ends those that have not ended by themselves within the grace.
    func stop(grace: Double) {
        let deadline = Deadline.after(.seconds(grace))
        for worker in workers where worker.ending == nil {
            if worker.process.wait(until: deadline) == nil { worker.process.terminate(grace: .seconds(1)) }
        }
        workers.removeAll()
    }
}

/// The last line of a text file, where a process that fails says why.
private func lastLine(of path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    let end = lseek(file, 0, SEEK_END)
    var buffer = [UInt8](repeating: 0, count: 2_048)
    let count = pread(file, &buffer, buffer.count, max(0, end - buffer.count))
    guard count > 0 else { return nil }
    let text = String(decoding: buffer.prefix(count), as: UTF8.self)
    return text.split(separator: "\n").last.map(String.init)
}

import Foundation
import Glibc
import LockstepSystem

/// A `lockstep` that a test has started. Letting go of it kills it and whatever it has started.
///
/// What it says goes into files, so that it never waits for a reader and its workers keep nobody waiting.
package final class RunningProcess: Sendable {
    /// Why a test cannot go on, with all that the process has said.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package let arguments: [String]
    private let folder: TemporaryFolder
    /// The value of ``markVariable`` in the process and all its descendants, wherever their parents may have gone.
    private let mark = UUID().uuidString
    private let process: ChildProcess

    private static let markVariable = "LOCKSTEP_TEST_MARK"
    /// How long to sleep before looking again.
    private static let interval: UInt32 = 2_000

    /// Starts it in a process group of its own, with nothing to read on standard input.
    ///
    /// - Parameters:
    ///   - arguments: Without the program's name.
    ///   - environment: Variables to add or to replace; nil removes one.
    ///   - working: The working directory.
    ///   - namespace: The host that it is to run on; nil: this one.
    ///   - openFiles: The most that it may have open, by prlimit(1); nil: as many as this process.
    /// - Throws: ``Failure`` if it does not start.
    package init(
        _ arguments: [String], environment: [String: String?] = [:], in working: String = Program.root,
        on namespace: NetworkNamespace? = nil, openFiles: Int? = nil
    ) throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        self.arguments = arguments
        var command = (program: try Program.path, arguments: arguments)
        if let namespace { command = namespace.command(running: command.program, command.arguments) }
        if let openFiles {
            command = (
                "/usr/bin/prlimit", ["--nofile=\(openFiles):\(openFiles)", command.program] + command.arguments
            )
        }
        self.process = try Self.start(
            ChildProcess.Command(
                executable: command.program, arguments: command.arguments,
                environment: environment.merging([Self.markVariable: mark]) { $1 }, input: .nothing,
                workingDirectory: working), in: folder)
    }

    /// Starts a command whose outputs go into two files.
    private static func start(_ command: ChildProcess.Command, in folder: TemporaryFolder) throws -> ChildProcess {
        let files = ["output", "errors"].map { open(folder($0), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) }
        defer { for file in files { close(file) } }
        var command = command
        command.output = .files(output: files[0], errors: files[1])
        do {
            return try ChildProcess(command)
        } catch {
            throw Failure(description: "\(error)")
        }
    }

    deinit {
        killAll()
    }

    // MARK: - What it says

    /// Standard output so far.
    package var output: String { (try? text(of: folder("output"))) ?? "" }
    /// Standard error so far.
    package var errors: String { (try? text(of: folder("errors"))) ?? "" }

    /// Waits for a whole line, on either output, that contains a text.
    ///
    /// - Parameters:
    ///   - text: What to look for.
    ///   - count: The line with this number of those that contain it, from 1.
    ///   - limit: How long it may take at most: generous, for it only ends a test that hangs.
    /// - Returns: The line.
    /// - Throws: ``Failure`` if the process ends, or the time does, without having said so.
    @discardableResult
    package func waitForLine(containing text: String, count: Int = 1, limit: Duration = .seconds(60)) throws -> String {
        let deadline = Deadline.after(limit)
        while true {
            // In this order: what a process says before its end is there once the end is.
            let hasEnded = reap()
            let found = lines().filter { $0.contains(text) }
            if found.count >= count { return String(found[count - 1]) }
            guard !hasEnded, !deadline.hasPassed(at: MonotonicClock.now) else {
                throw failure("\(hasEnded ? "ended" : "waited \(limit)") without saying \"\(text)\"")
            }
            usleep(Self.interval)
        }
    }

    /// Waits until something is so, as long as the process runs.
    ///
    /// - Parameters:
    ///   - what: In words, for the failure.
    ///   - limit: How long it may take at most.
    ///   - condition: Looked at again and again.
    /// - Throws: ``Failure`` if the time ends first; what `condition` throws.
    package func wait(
        until what: String, limit: Duration = .seconds(60), _ condition: () throws -> Bool
    ) throws {
        let deadline = Deadline.after(limit)
        while try !condition() {
            guard !deadline.hasPassed(at: MonotonicClock.now) else { throw failure("waited \(limit) until \(what)") }
            usleep(Self.interval)
        }
    }

    /// Lines that are complete.
    private func lines() -> [Substring] {
        [output, errors].flatMap { text in
            text.prefix(upTo: text.lastIndex(of: "\n") ?? text.startIndex).split(separator: "\n")
        }
    }

    // MARK: - Its processes

    package var processID: Int32 { process.processID }

    /// The worker processes of this host that belong to it, in the order of their numbers.
    package var workers: [Int32] {
        descendants.filter { ProcessTable.arguments(of: $0).dropFirst().first == "worker" }.sorted()
    }

    /// All processes that it has started, directly or not, and that still run, even if it does not itself.
    package var descendants: [Int32] {
        ProcessTable.processes(with: Self.markVariable, mark).filter { $0 != processID }
    }

    /// Whether it has not ended yet.
    package var isRunning: Bool { !reap() }

    package func send(signal: Int32) {
        process.send(signal: signal)
    }

    /// Waits for its end.
    ///
    /// - Parameter limit: How long it may take at most: generous, for it only ends a test that hangs.
    /// - Returns: How it ended and what it said.
    /// - Throws: ``Failure`` if it is still running then; it has been killed.
    @discardableResult
    package func wait(limit: Duration = .seconds(120)) throws -> FinishedProcess {
        let deadline = Deadline.after(limit)
        while !reap() {
            guard !deadline.hasPassed(at: MonotonicClock.now) else {
                let failure = failure("had not ended after \(limit)")
                killAll()
                throw failure
            }
            usleep(Self.interval)
        }
        return FinishedProcess(arguments: arguments, exit: process.reap(), output: output, errors: errors)
    }

    /// Waits until nothing that it started runs any more.
    ///
    /// - Parameter limit: How long that may take at most.
    /// - Returns: Processes that still run then: none, if all is well.
    package func orphans(limit: Duration = .seconds(30)) -> [Int32] {
        let deadline = Deadline.after(limit)
        while true {
            let left = descendants
            if left.isEmpty || deadline.hasPassed(at: MonotonicClock.now) { return left }
            usleep(Self.interval)
        }
    }

    /// Whether it has ended.
    @discardableResult
    private func reap() -> Bool { process.reap() != nil }

    private func killAll() {
        send(signal: SIGKILL)
        for process in descendants { kill(process, SIGKILL) }
        while !reap() { usleep(Self.interval) }
    }

    private func failure(_ what: String) -> Failure {
        Failure(description: "lockstep \(arguments.joined(separator: " ")) \(what)\n\(output)\(errors)")
    }
}

import Foundation
import Glibc
import LockstepSystem
import LockstepTimeline

/// A process that a test has started: `lockstep`, unless another program is named. The deinitializer kills it and all
/// its descendants.
///
/// Its outputs go into files, so it never waits for a reader, and descendants that outlive it keep no pipe open.
package final class RunningProcess: Sendable {
    /// Why a test cannot continue, with all output of the process.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package let arguments: [String]
    /// The program's name, for messages.
    private let name: String
    private let folder: TemporaryFolder
    /// The value of ``markVariable`` in the process and all its descendants, even those whose parents have ended.
    private let mark = UUID().uuidString
    private let process: ChildProcess

    private static let markVariable = "LOCKSTEP_TEST_MARK"
    /// Microseconds between two polls.
    private static let interval: UInt32 = 2_000

    /// Starts a process in a process group of its own. Its standard input is empty.
    ///
    /// - Parameters:
    ///   - arguments: Without the program's name.
    ///   - executable: The program's absolute path; nil: the built `lockstep`.
    ///   - environment: Variables to add or to replace; nil removes one.
    ///   - working: The working directory.
    ///   - namespace: The simulated host that it runs on; nil: this one.
    ///   - openFiles: The most files that it may have open, by prlimit(1); nil: as many as this process.
    ///   - standardOutput: An open file for its standard output; nil: the file that ``output`` reads.
    /// - Throws: ``Failure`` if it does not start.
    package init(
        _ arguments: [String], executable: String? = nil, environment: [String: String?] = [:],
        in working: String = Program.root, on namespace: NetworkNamespace? = nil, openFiles: Int? = nil,
        standardOutput: Int32? = nil
    ) throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        self.arguments = arguments
        var command = (program: try executable ?? Program.path, arguments: arguments)
        self.name = command.program.split(separator: "/").last.map(String.init) ?? command.program
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
                workingDirectory: working), in: folder, standardOutput: standardOutput)
    }

    /// Starts a command whose outputs go into two files.
    private static func start(
        _ command: ChildProcess.Command, in folder: TemporaryFolder, standardOutput: Int32?
    ) throws -> ChildProcess {
        let files = ["output", "errors"].map { open(folder($0), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) }
        defer { for file in files { close(file) } }
        var command = command
        command.output = .files(output: standardOutput ?? files[0], errors: files[1])
        do {
            return try ChildProcess(command)
        } catch {
            throw Failure(description: "\(error)")
        }
    }

    deinit {
        killAll()
    }

    // MARK: - Output

    /// Standard output so far.
    package var output: String { (try? text(of: folder("output"))) ?? "" }
    /// Standard error so far.
    package var errors: String { (try? text(of: folder("errors"))) ?? "" }

    /// Waits for a complete line, on either output, that contains a text.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - count: Which of the lines that contain it, from 1.
    ///   - limit: The most time that it may take. It is generous: it only ends a test that hangs.
    /// - Returns: The line.
    /// - Throws: ``Failure`` if the process ends, or the time runs out, before there is such a line.
    @discardableResult
    package func waitForLine(containing text: String, count: Int = 1, limit: Duration = .seconds(60)) throws -> String {
        let deadline = Deadline.after(limit)
        while true {
            // In this order: all output of a process is in the files when its end is seen.
            let hasEnded = reap()
            let found = lines().filter { $0.contains(text) }
            if found.count >= count { return String(found[count - 1]) }
            guard !hasEnded, !deadline.hasPassed(at: Instant.now) else {
                throw failure("\(hasEnded ? "ended" : "waited \(limit)") without saying \"\(text)\"")
            }
            usleep(Self.interval)
        }
    }

    /// Waits until a coordinator accepts connections at an endpoint.
    ///
    /// - Parameter number: Which of its endpoints, from 1.
    /// - Returns: The endpoint, with the port that the system has chosen.
    /// - Throws: ``Failure`` if the process ends before.
    package func listeningEndpoint(_ number: Int = 1) throws -> String {
        let line = try waitForLine(containing: "Listening on ", count: number)
        return String(line.split(separator: " ").last ?? "")
    }

    /// Polls until a condition holds.
    ///
    /// - Parameters:
    ///   - what: The condition in words, for the failure.
    ///   - limit: The most time that it may take.
    ///   - condition: The condition.
    /// - Throws: ``Failure`` if the time runs out; errors of `condition`.
    package func wait(
        until what: String, limit: Duration = .seconds(60), _ condition: () throws -> Bool
    ) throws {
        let deadline = Deadline.after(limit)
        while try !condition() {
            guard !deadline.hasPassed(at: Instant.now) else { throw failure("waited \(limit) until \(what)") }
            usleep(Self.interval)
        }
    }

    /// The complete lines of both outputs.
    private func lines() -> [Substring] {
        [output, errors].flatMap { text in
            text.prefix(upTo: text.lastIndex(of: "\n") ?? text.startIndex).split(separator: "\n")
        }
    }

    // MARK: - Processes

    package var processID: Int32 { process.processID }

    /// The worker processes among its descendants, in the order of their process numbers.
    package var workers: [Int32] {
        descendants.filter { ProcessTable.arguments(of: $0).dropFirst().first == "worker" }.sorted()
    }

    /// All running processes that it has started, directly or indirectly, even after its own end.
    package var descendants: [Int32] {
        ProcessTable.processes(with: Self.markVariable, mark).filter { $0 != processID }
    }

    /// Whether the process has not ended yet.
    package var isRunning: Bool { !reap() }

    package func send(signal: Int32) {
        process.send(signal: signal)
    }

    /// Waits for the process to end.
    ///
    /// - Parameter limit: The most time that it may take. It is generous: it only ends a test that hangs.
    /// - Returns: How the process ended, and its output.
    /// - Throws: ``Failure`` if it is still running then; it is killed.
    @discardableResult
    package func wait(limit: Duration = .seconds(120)) throws -> FinishedProcess {
        let deadline = Deadline.after(limit)
        while !reap() {
            guard !deadline.hasPassed(at: Instant.now) else {
                let failure = failure("had not ended after \(limit)")
                killAll()
                throw failure
            }
            usleep(Self.interval)
        }
        return FinishedProcess(
            name: name, arguments: arguments, exit: process.reap(), output: output, errors: errors)
    }

    /// Waits until all its descendants have ended.
    ///
    /// - Parameter limit: The most time that it may take.
    /// - Returns: The descendants that still run then: none, if all is well.
    package func orphans(limit: Duration = .seconds(30)) -> [Int32] {
        let deadline = Deadline.after(limit)
        while true {
            let left = descendants
            if left.isEmpty || deadline.hasPassed(at: Instant.now) { return left }
            usleep(Self.interval)
        }
    }

    /// Whether the process has ended.
    @discardableResult
    private func reap() -> Bool { process.reap() != nil }

    private func killAll() {
        send(signal: SIGKILL)
        for process in descendants { kill(process, SIGKILL) }
        while !reap() { usleep(Self.interval) }
    }

    private func failure(_ what: String) -> Failure {
        Failure(description: "\(name) \(arguments.joined(separator: " ")) \(what)\n\(output)\(errors)")
    }
}

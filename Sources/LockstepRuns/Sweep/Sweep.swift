import Glibc
package import LockstepArtifacts
import LockstepRuntime
package import LockstepSystem
package import LockstepTraining

/// Trains the runs of a plan, several at once, each in a process of its own that ends with this one.
///
/// The runs lie in one folder. A run that has finished there is not trained again, and one that was interrupted goes on
/// from its newest checkpoint.
package struct Sweep {
    /// What happens to a run.
    package enum Event: Sendable {
        case began(SweepPlan.Entry)
        case finished(SweepPlan.Entry)
        /// The process ended otherwise; its log says why.
        case failed(SweepPlan.Entry, ChildProcess.Exit, log: String)
    }

    /// The folder has a run that this sweep would not train in the same way.
    package struct Conflict: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    private let plan: SweepPlan
    private let folder: String
    private let configuration: String
    private let arguments: [String]
    private let jobs: Int
    private let executable: String

    /// - Parameters:
    ///   - plan: The runs.
    ///   - folder: The folder of the runs, which exists.
    ///   - configuration: The path of the configuration file.
    ///   - arguments: Further arguments of `lockstep train`, the same for each run.
    ///   - jobs: Runs that are trained at once.
    ///   - executable: The path of `lockstep`.
    package init(
        _ plan: SweepPlan, in folder: String, configuration: String, arguments: [String], jobs: Int,
        executable: String = ChildProcess.Command.thisProgram
    ) {
        self.plan = plan
        self.folder = folder
        self.configuration = configuration
        self.arguments = arguments
        self.jobs = jobs
        self.executable = executable
    }

    /// The directory of a run.
    package func directory(of entry: SweepPlan.Entry) -> RunDirectory {
        RunDirectory(existing: "\(folder)/\(entry.name)")
    }

    /// The output of a run's processes.
    package func log(of entry: SweepPlan.Entry) -> String { "\(folder)/\(entry.name).log" }

    /// The runs that are still to be trained, in their order.
    ///
    /// - Parameter load: Returns the configuration of a run.
    /// - Returns: Those without a directory, and those whose run has not come to its end.
    /// - Throws: What is wrong with a configuration; ``Conflict`` if the folder has a run with another one.
    package func remaining(
        _ load: (SweepPlan.Entry) throws -> RunConfiguration
    ) throws -> [SweepPlan.Entry] {
        try plan.entries.filter { entry in
            let (wanted, directory) = (try load(entry), directory(of: entry))
            guard directory.hasConfiguration else { return true }
            let present = try ConfigurationFile.load(path: directory.configuration)
            let changes = ConfigurationFile.changes(from: present, to: wanted)
            guard changes.isEmpty else {
                throw Conflict(
                    description: "\(directory.path) was trained with another configuration: "
                        + changes.map(\.description).joined(separator: ", ")
                        + "; give another folder with --output")
            }
            guard let summary = try? RunSummary.load(directory), summary.status == .finished else { return true }
            return summary.stoppedEarly != true && summary.epochs.count < wanted.training.epochs
        }
    }

    /// Trains runs.
    ///
    /// - Parameters:
    ///   - entries: The runs.
    ///   - stop: Its first signal interrupts the runs, which save their state, and ends the sweep.
    ///   - notify: Told what happens.
    /// - Throws: `SystemError` if a process cannot be started; `RunError.interrupted` after a signal.
    package func train(
        _ entries: [SweepPlan.Entry], stop: StopSignals, notify: (Event) -> Void
    ) throws {
        var waiting = entries[...]
        var running: [(entry: SweepPlan.Entry, process: ChildProcess)] = []
        let children = RunningChildren()
        stop.setCleanup(children.killAll)
        defer { stop.setCleanup(nil) }
        var isStopping = false
        while !running.isEmpty || (!waiting.isEmpty && !isStopping) {
            while !isStopping, stop.requested == nil, running.count < jobs, let entry = waiting.popFirst() {
                running.append((entry, try start(entry)))
                children.set(running.map(\.process))
                notify(.began(entry))
            }
            Self.wait(for: running.map(\.process), stop: isStopping ? nil : stop)
            if !isStopping, stop.requested != nil {
                isStopping = true
                for (_, process) in running { process.send(signal: SIGTERM) }
            }
            running.removeAll { entry, process in
                guard let ending = process.reap() else { return false }
                if ending.isSuccess {
                    notify(.finished(entry))
                } else if !isStopping {
                    notify(.failed(entry, ending, log: log(of: entry)))
                }
                return true
            }
            children.set(running.map(\.process))
        }
        if let signal = stop.requested { throw RunError.interrupted(signal: signal) }
    }

    private func start(_ entry: SweepPlan.Entry) throws -> ChildProcess {
        let path = log(of: entry)
        let file = withPath(path) { open($0, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644) }
        guard file >= 0 else { throw SystemError("open the log", code: errno, path: path) }
        defer { close(file) }
        return try ChildProcess(
            ChildProcess.Command(
                executable: executable,
                arguments: ["train", configuration] + arguments + entry.assignments.flatMap { ["--set", $0] }
                    + ["--output", directory(of: entry).path, "--resume=auto"],
                environment: LocalWorkerEnvironment.removedVariables, output: .file(file)))
    }

    /// Waits until a process ends or a signal arrives.
    private static func wait(for processes: [ChildProcess], stop: StopSignals?) {
        var items = processes.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        if let stop { items.append(pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)) }
        guard !processes.isEmpty else { return }
        poll(&items, nfds_t(items.count), -1)
    }
}

/// The processes that a second signal kills.
private final class RunningChildren: Sendable {
    private let processes = Locked<[ChildProcess]>([])

    func set(_ children: [ChildProcess]) { processes.withLock { $0 = children } }

    @Sendable func killAll() {
        for process in processes.withLock({ $0 }) { process.send(signal: SIGKILL) }
    }
}

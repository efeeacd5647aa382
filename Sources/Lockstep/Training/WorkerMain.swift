import Glibc
import LockstepCluster
import LockstepData
import LockstepRuns
import LockstepRuntime
import LockstepSystem
import LockstepText
import Synchronization
import ZeroMQ

/// Makes this program a worker where a coordinator has started it as one: then it computes until the run is over, and ends.
///
/// Call it first, with the models of the program's own. In any other process it returns at once, and ``WorkerPlacement/workers(_:executable:)``
/// then starts this program again. Everything before the call happens in workers, too.
///
/// On another host, start the same executable by hand:
///
///     PROGRAM lockstep-worker --connect tcp://HOST:5555 --keys DIR
///
/// - Parameter models: The models that the program can train.
public func workerMain(_ models: any TrainableModel.Type...) {
    for model in models { register(model) }
    WorkerEntry.install()
    let arguments = ProgramArguments.bytes.map { String(path: $0) }
    guard arguments.first == WorkerEntry.command else { return }
    exit(WorkerEntry.serve(Array(arguments.dropFirst())))
}

private func register<Model: TrainableModel>(_ type: Model.Type) { ModelAdapter<Model>.register() }

/// A worker process of a program that is not `lockstep`.
enum WorkerEntry {
    /// The first argument of a worker.
    static let command = "lockstep-worker"

    private static let installed = Atomic<Bool>(false)

    /// Whether the program has called ``workerMain(_:)``, so that it can be started as a worker.
    static var isInstalled: Bool { installed.load(ordering: .relaxed) }

    static func install() { installed.store(true, ordering: .relaxed) }

    /// The options of a worker's command line.
    struct Options: Equatable {
        var connect = ""
        var keys: String?
        var core: Int?
        var wait = Deadlines().start
        var untilFinished = false

        /// - Throws: A sentence about the first argument that is none.
        init(_ arguments: [String]) throws(LockstepError) {
            var rest = arguments[...]
            func failure(_ text: String) -> LockstepError {
                LockstepError(.configuration, "\(WorkerEntry.command): \(text); usage: \(WorkerEntry.usage)")
            }
            while let option = rest.popFirst() {
                if option == "--quiet" { continue }
                if option == "--until-finished" {
                    untilFinished = true
                    continue
                }
                guard let value = rest.popFirst() else { throw failure("'\(option.printable)' needs a value") }
                switch option {
                case "--connect": connect = value
                case "--keys": keys = value
                case "--core":
                    core = Int(value).flatMap { (0..<Host.allowedCoreCount).contains($0) ? $0 : nil }
                    if core == nil { throw failure("--core \(value.printable) is no core of this process") }
                case "--wait":
                    guard let seconds = Double(value), seconds > 0, seconds <= 604_800 else {
                        throw failure("--wait \(value.printable): give seconds, more than 0 and at most a week")
                    }
                    wait = seconds
                default: throw failure("unknown option '\(option.printable)'")
                }
            }
            if connect.isEmpty { throw failure("--connect is missing") }
        }
    }

    static let usage = "\(command) --connect ENDPOINT[,...] [--keys DIR] [--wait SECONDS] [--core N] [--until-finished]"

    /// Serves a coordinator until the run is over.
    ///
    /// - Parameter arguments: The command line after ``command``.
    /// - Returns: The exit status.
    static func serve(_ arguments: [String]) -> Int32 {
        StandardStreams.fillGaps()
        ignoreWriteSignals()
        do {
            let parsed = try Options(arguments)
            let stop = try StopSignals.install()
            let addresses = try CoordinatorAddresses(parsed.connect, sshConnection: nil)
            try RunResources.worker.check()
            let security: ConnectionSecurity = try stop.beforeRun {
                try parsed.keys.map { try KeyDirectory(path: $0).workerKeys() } ?? .none
            }
            let version = try stop.beforeRun { try ProgramIdentity.versionWithExecutable() }
            let options = WorkerOptions(
                host: Host.name, processID: Host.processID, programVersion: version, kernel: nil, cache: DataCache(),
                core: parsed.core, security: security, wait: parsed.wait, endsOnlyWhenFinished: parsed.untilFinished,
                notify: { _ in })
            try WorkerProcess.serve(addresses, options, stop: stop)
            return EXIT_SUCCESS
        } catch {
            if let signal = (error as? RunError)?.interruption { return 128 + signal }
            print(error)
            return status(of: error)
        }
    }

    private static func print(_ error: any Error) {
        let line = "\(command): \("\(error)".printable)\n"
        _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    }

    /// The status of sysexits(3).
    private static func status(of error: any Error) -> Int32 {
        switch error {
        case let error as LockstepError where error.kind == .configuration: 64
        case WorkerEnding.rejected, is KeyError: 77
        case is NoCoordinator, is WorkerEnding: 69
        default: 70
        }
    }
}

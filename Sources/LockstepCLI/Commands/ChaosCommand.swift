import ArgumentParser
import Foundation
import LockstepArtifacts
import LockstepChaos
import LockstepRuns
import LockstepRuntime
import LockstepSystem
import LockstepTraining
import ZeroMQ

/// `lockstep chaos`.
struct ChaosCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos",
        abstract: "Train under random faults, and compare the weights with those of an undisturbed run.",
        discussion: """
            Runs the training once undisturbed, then under faults, with a coordinator
            and workers that are processes of this host. The seed decides which faults
            hit which process, and when. At least one healthy worker is left at any
            time. The faults:

              kill         SIGKILL; another worker takes its place after a pause
              stop         SIGSTOP, and SIGCONT after a while, sometimes after the
                           heartbeat timeout
              slow         a tenth of the processor time for a while
              drop         the connection of the worker is cut
              partition    nothing arrives for a while in either direction; then
                           everything does, or the connection is cut
              delay        bytes of one direction arrive late
              flip         a bit is flipped on its way
              truncate     the connection is cut within a message
              duplicate    bytes arrive twice
              replay       bytes of before arrive once more
              reorder      bytes arrive in another order
              join         one more worker joins
              coordinator  SIGKILL of the coordinator; the run is resumed, every
                           other time with another number of workers

            Give --transport inline to send weights and gradients through the network
            that these faults hit, and --encrypted to encrypt it.

            Run number n of a series has the seed SEED + n - 1. The exit status is 70
            if the weights of a run differ, or if a run or a worker ended without a
            fault; the directories of those runs are kept.

            Examples:
              lockstep chaos config/mnist-30.yaml --epochs 2
              lockstep chaos config/mnist-30.yaml --epochs 1 --faults kill \\
                  --count 1:5 --runs 200 --shards 4 --seed 1
              lockstep chaos config/mnist-30.yaml --epochs 1 \\
                  --faults coordinator --count 1 --runs 20 --json
              lockstep chaos config/mnist-30.yaml --epochs 1 --transport inline \\
                  --faults delay,flip,truncate,duplicate,replay,reorder --encrypted
            """
    )

    @OptionGroup var source: ConfigurationOptions

    @Option(help: ArgumentHelp("Kinds of faults.", valueName: "kind,kind,..."))
    var faults = FaultList(faults: [.kill, .stop, .slow, .drop, .partition, .join])

    @Option(help: ArgumentHelp("The seed that decides about all faults.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "Faults in a run; or the fewest and the most. (default: two of each kind)", valueName: "n|min:max"))
    var count: IntegerRange?

    @Option(help: ArgumentHelp("Runs under faults.", valueName: "n"))
    var runs = 1

    @Option(help: ArgumentHelp("Worker processes.", valueName: "n"))
    var workers = 3

    @Option(help: ArgumentHelp("Shards of every mini-batch. (default: the number of workers)", valueName: "n"))
    var shards: Int?

    @Option(help: ArgumentHelp("Passes over the training samples.", valueName: "n"))
    var epochs: Int?

    @Flag(help: "Encrypt all connections with keys that are made for the series.")
    var encrypted = false

    @Flag(help: "Let faults hit the last healthy worker too; the run then waits for one to come back.")
    var spareNone = false

    @Option(
        help: ArgumentHelp(
            "Keep all run directories and logs in this new folder. (default: only those of runs that went wrong)",
            valueName: "dir"),
        completion: .directory)
    var output: String?

    @OptionGroup var oversubscription: OversubscribeOption

    @Flag(help: "Print the result as JSON.")
    var json = false

    @OptionGroup var consoleOptions: ConsoleOptions

    private var console: Console { consoleOptions.console }

    func run() throws {
        let stop = try StopSignals.install()
        let count = try checkedCount()
        // A wrong configuration is reported before anything starts.
        let configuration = try source.load()
        let folder = try makeFolder()
        let keys = try makeKeys(in: folder)
        let keyArguments = keys.map { ["--keys", $0.path] } ?? []
        let series = ChaosSeries(
            ChaosSeries.Plan(faults: faults.faults, seed: seed, runs: runs, count: count),
            ChaosRun.Setup(
                coordinatorArguments: coordinatorArguments + keyArguments,
                workerArguments: workerArguments + keyArguments, workers: workers,
                workerLimit: RunLimits.workers.upperBound, sparesNone: spareNone,
                security: try keys?.workerKeys() ?? .none),
            folder: folder, keepsAll: output != nil)
        let result = try series.run(checkpointSeconds: configuration.checkpoint.every, stop: stop, notify: show)
        try console.output(json ? [try result.json()] : ChaosText.lines(result))
        guard result.isGood else { throw CommandError(.failedCheck, ChaosText.failure(result, folder: folder)) }
        if output == nil { try? FileManager.default.removeItem(atPath: folder) }
    }

    private func show(_ notice: ChaosNotice) {
        if case .finished(let run, let seed, let outcome, _) = notice {
            for problem in outcome.problems { console.warning("\(ChaosText.name(run, seed)): \(problem)") }
        }
        guard let line = ChaosText.line(notice) else { return }
        // The result of a series is its summary; of a single run, everything that happens in it.
        if json || runs > 1 { console.info(line) } else { console.result(line) }
    }

    private func checkedCount() throws -> ClosedRange<Int> {
        let kinds = faults.faults.count
        let count = try (count ?? IntegerRange(2 * kinds, 2 * kinds))
            .checked(within: 1...10_000, option: "--count", noun: "faults")
        guard (1...1_000_000).contains(runs) else {
            throw CommandError(.usage, "--runs \(runs): give 1 to 1,000,000")
        }
        let maximum = RunLimits.workers.upperBound / 2
        guard (1...maximum).contains(workers) else {
            throw CommandError(.usage, "--workers \(workers): give 1 to \(maximum) workers")
        }
        try oversubscription.check(workers, option: "--workers")
        if workers == 1, !spareNone, !faults.faults.allSatisfy({ $0 == .join || $0 == .coordinator }) {
            throw CommandError(
                .usage, "--workers 1: faults spare the last healthy worker; give more workers, or --spare-none")
        }
        return count
    }

    private func makeFolder() throws -> String {
        if let output { return try RunDirectory.create(output: output, name: "chaos").path }
        let folder = "\(temporaryFolder)/lockstep-chaos-\(Host.processID)"
        return try RunDirectory.create(output: folder, name: "chaos").path
    }

    /// New keys, if connections are to be encrypted.
    private func makeKeys(in folder: String) throws -> KeyDirectory? {
        guard encrypted else { return nil }
        let keys = KeyDirectory(path: folder + "/keys")
        _ = try keys.generate()
        return keys
    }

    private var coordinatorArguments: [String] {
        var arguments = source.arguments + ["--shards", "\(shards ?? workers)"]
        if let epochs { arguments += ["--epochs", "\(epochs)"] }
        return arguments + workerArguments
    }

    private var workerArguments: [String] { source.transport.map { ["--transport", $0.rawValue] } ?? [] }
}

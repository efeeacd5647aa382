import ArgumentParser
import Foundation
import LockstepArtifacts
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
            Runs the training once undisturbed, then under faults, with a coordinator and workers that are processes of
            this host. What is done, when and to whom follows from the seed. At least one healthy worker is left at any
            time. The faults:

              kill         SIGKILL; another worker takes its place after a pause
              stop         SIGSTOP, and SIGCONT after a while, sometimes beyond the heartbeat's timeout
              slow         a tenth of the processor's time for a while
              drop         the worker's connection is cut
              partition    nothing arrives for a while in either direction; then all of it does, or the connection is cut
              join         one more worker joins
              coordinator  SIGKILL of the coordinator, which is resumed, half of the time with another number of workers

            Run number n of a series has seed + n - 1. Ends with status 70 if the weights of any run differ, or if a run
            or a worker ended that nothing was done to; those runs' directories are kept.

            Examples:
              lockstep chaos config/mnist-30.yaml --epochs 2
              lockstep chaos config/mnist-30.yaml --epochs 1 --faults kill --count 1:5 --runs 200 --shards 4 --seed 1
              lockstep chaos config/mnist-30.yaml --epochs 1 --faults coordinator --count 1 --runs 20 --json
            """
    )

    @OptionGroup var source: ConfigurationOptions

    @Option(help: ArgumentHelp("Kinds of faults.", valueName: "kind,kind,..."))
    var faults = FaultList(faults: [.kill, .stop, .slow, .drop, .partition, .join])

    @Option(help: ArgumentHelp("What decides about all faults.", valueName: "s"))
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "Faults in a run, or the fewest and the most. (default: two of each kind)", valueName: "n|min:max"))
    var count: CountRange?

    @Option(help: ArgumentHelp("Runs under faults.", valueName: "n"))
    var runs = 1

    @Option(help: ArgumentHelp("Worker processes.", valueName: "n"))
    var workers = 3

    @Option(help: "Parts that every mini-batch is cut into. (default: as many as there are workers)")
    var shards: Int?

    @Option(help: "Passes over the training samples.")
    var epochs: Int?

    @Flag(help: "Let faults hit the last healthy worker, too; the run then waits for one to come back.")
    var spareNone = false

    @Option(
        help: ArgumentHelp(
            "Keep all run directories and logs in this new folder. (default: only those of runs that went wrong)",
            valueName: "dir"))
    var output: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let stop = try StopSignals.install()
        let count = try checkedCount()
        // What is wrong with it is told before anything starts.
        let configuration = try source.load()
        let console = consoleOptions.console
        // The results of a series are its summary; what is done to a single run is one, too.
        let tell: (String) -> Void = { line in
            if json || runs > 1 { console.note(line) } else { console.result(line) }
        }
        let folder = try makeFolder()
        let setting = ChaosRun.Setting(
            coordinatorArguments: coordinatorArguments, workerArguments: workerArguments, workers: workers,
            sparesNone: spareNone, context: try Context(), stop: stop, tell: tell)
        let nothing = ChaosPlan(seed: 0, faults: ChaosPlan.Fault.allCases, count: 0...0, steps: 0)
        let calm = try ChaosRun(setting, nothing, output: "\(folder)/undisturbed").run()
        guard let undisturbed = calm.summary else {
            throw UsageError(
                "the undisturbed run failed: \(calm.problems.joined(separator: "; "))", status: .unavailable)
        }
        tell("Undisturbed: \(grouped(undisturbed.steps)) steps, weights \(undisturbed.weightsSHA256.prefix(8))")
        var result = ChaosResult(
            undisturbed: undisturbed, checkpointSeconds: configuration.checkpoint.every)
        for index in 0..<runs {
            let seed = seed &+ UInt64(index)
            let plan = ChaosPlan(
                seed: seed, faults: faults.faults, count: count, steps: UInt64(max(0, undisturbed.steps)))
            let directory = "\(folder)/run-\(index + 1)"
            let outcome = try ChaosRun(setting, plan, output: directory).run()
            let isEqual = outcome.isEqual(to: undisturbed)
            result.add(outcome, seed: seed, isEqual: isEqual)
            report(outcome, "Run \(index + 1) (seed \(seed))", isEqual: isEqual, directory, tell)
            if isEqual && outcome.problems.isEmpty { discard(directory) }
        }
        if json {
            console.result(try result.json())
        } else {
            for line in result.lines { console.result(line) }
        }
        guard result.isGood else {
            throw UsageError(
                "\(result.runs.count - result.equalCount) of \(runs) runs ended with other weights or not at all, and "
                    + "\(result.problemCount) things went wrong that nobody had done; see \(folder)", status: .software)
        }
        if output == nil { try? FileManager.default.removeItem(atPath: folder) }
    }

    private func report(
        _ outcome: ChaosOutcome, _ name: String, isEqual: Bool, _ directory: String, _ tell: (String) -> Void
    ) {
        for problem in outcome.problems { consoleOptions.console.warning("\(name): \(problem)") }
        guard let summary = outcome.summary else { return }
        tell(
            "\(name): \(outcome.injectedCount) faults, \(summary.workersLost) workers lost, "
                + "\(summary.shardsReassigned) shards handed on, longest gap "
                + "\(decimal(summary.maxStepGapMilliseconds ?? 0, 1)) ms, weights "
                + "\(summary.weightsSHA256.prefix(8)), \(isEqual ? "equal" : "DIFFERENT")")
    }

    private func checkedCount() throws -> ClosedRange<Int> {
        let kinds = faults.faults.count
        let count = count ?? CountRange(2 * kinds, 2 * kinds)
        guard count.minimum >= 1, count.maximum >= count.minimum, count.maximum <= 10_000 else {
            throw UsageError(
                "--count \(count.text): 1 to 10,000 faults, the fewest before the most")
        }
        guard (1...1_000_000).contains(runs) else { throw UsageError("--runs \(runs): 1 to 1,000,000") }
        guard (1...WorkerCount.maximum / 2).contains(workers) else {
            throw UsageError("--workers \(workers): 1 to \(WorkerCount.maximum / 2) workers")
        }
        if workers == 1, !spareNone, !faults.faults.allSatisfy({ $0 == .join || $0 == .coordinator }) {
            throw UsageError("--workers 1: the last healthy worker is left alone; give more, or --spare-none")
        }
        return count.minimum...count.maximum
    }

    private func makeFolder() throws -> String {
        if let output { return try RunDirectory.create(output: output, name: "chaos").path }
        let folder = FileManager.default.temporaryDirectory.appending(path: "lockstep-chaos-\(Host.processID)").path
        return try RunDirectory.create(output: folder, name: "chaos").path
    }

    /// Removes what a run that went well has left.
    private func discard(_ directory: String) {
        guard output == nil else { return }
        for path in [directory, directory + "-logs"] { try? FileManager.default.removeItem(atPath: path) }
    }

    private var coordinatorArguments: [String] {
        var arguments = source.arguments + ["--shards", "\(shards ?? workers)"]
        if let epochs { arguments += ["--epochs", "\(epochs)"] }
        return arguments + workerArguments
    }

    private var workerArguments: [String] { source.transport.map { ["--transport", $0.rawValue] } ?? [] }
}

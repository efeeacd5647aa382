import ArgumentParser
import Glibc
import LockstepArtifacts
import LockstepCompute
import LockstepRuns
import LockstepRuntime
import LockstepSystem
import LockstepText
import LockstepTraining

/// `lockstep sweep`.
struct SweepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep",
        abstract: "Train many runs that differ in some keys, side by side, and compare them.",
        usage: "lockstep sweep [<options>] <config> --set <key=value,value,...> ...",
        discussion: """
            Each combination of the values is a run in a process of its own. Commas
            inside brackets and braces belong to a value; 1..5 are the whole numbers
            from 1 to 5. With --random, some combinations are drawn instead, and a
            range such as 0.01..10 stands for all numbers between its ends, drawn
            uniformly in the logarithm if it spans a factor of ten.

            The sweep ends with a table, the best run on the validation samples, and
            a page, comparison.html. Runs that differ in training.seed alone are
            averaged too. A sweep that was interrupted goes on where it stopped when
            the command is repeated with its folder as --output; more values may be
            added then. Runs that have finished are not trained again.

            Examples:
              lockstep sweep config/mnist-30.yaml --set training.seed=1..3
              lockstep sweep config/mnist-30.yaml --epochs 5 --output runs/sweep \\
                  --set optimizer.sgd.learning-rate=0.5,3,10 \\
                  --set 'network.sizes=[784,30,10],[784,100,10]'
              lockstep sweep config/mnist-30.yaml --epochs 5 --random 20 \\
                  --set optimizer.sgd.learning-rate=0.01..10 \\
                  --set training.batch=5,10,20
            """
    )

    @Argument(
        help: "The run configuration, a YAML file such as config/mnist-30.yaml.",
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "A key of the configuration and its values. Can be repeated, once for each key.",
            valueName: "key=value,value,..."))
    var parameters: [String]

    @Option(help: ArgumentHelp("Draw so many combinations, instead of training all.", valueName: "n"))
    var random: Int?

    @Option(help: ArgumentHelp("The seed that decides which combinations are drawn.", valueName: "n"))
    var randomSeed: UInt64 = 1

    @Option(help: ArgumentHelp("Passes of each run over its training samples.", valueName: "n"))
    var epochs: Int?

    @Option(help: ArgumentHelp("The numeric kernel of all runs, as for train.", valueName: "name"))
    var kernel: String?

    @Option(help: ArgumentHelp("Runs at once. (default: the number of cores)", valueName: "n"))
    var jobs: Int?

    @Option(
        help: ArgumentHelp(
            "The folder of the runs: new, or of the sweep to continue. (default: runs/NAME-sweep-TIMESTAMP)",
            valueName: "dir"),
        completion: .directory)
    var output: String?

    @Flag(help: "Print the runs and exit.")
    var dryRun = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    @OptionGroup var consoleOptions: ConsoleOptions

    private var console: Console { consoleOptions.console }

    func run() throws {
        let stop = try StopSignals.install()
        let plan = try plan()
        // A wrong configuration is reported before anything starts.
        let first = try load(plan.entries[0])
        if dryRun {
            try console.output(plan.entries.map { $0.label.isEmpty ? $0.name : $0.label })
            return
        }
        let folder = try makeFolder(for: first)
        let jobs = try checkedJobs()
        let sweep = Sweep(plan, in: folder, configuration: config, arguments: commonArguments, jobs: jobs)
        let remaining = try sweep.remaining(load)
        let done = plan.entries.count - remaining.count
        var line = "\(counted(plan.entries.count, "run")) in \(folder)"
        if done > 0 { line += ", of which \(grouped(done)) \(done == 1 ? "has" : "have") finished before" }
        if !remaining.isEmpty { line += "; \(grouped(min(jobs, remaining.count))) at once" }
        console.info(line)
        var progress = SweepProgress(done: done, count: plan.entries.count)
        do {
            try sweep.train(remaining, stop: stop) { progress.show($0, of: sweep, on: console) }
        } catch let error as RunError where error.interruption != nil {
            try? compare(plan, sweep, in: folder)
            console.info(
                "Interrupted with \(grouped(progress.done)) of \(counted(plan.entries.count, "run")) finished; to continue, "
                    + "repeat the command with --output \(folder)")
            throw error
        }
        try compare(plan, sweep, in: folder)
        guard progress.failed == 0 else {
            throw CommandError(
                .failedCheck,
                "\(counted(progress.failed, "run")) of \(grouped(plan.entries.count)) failed; the logs are in \(folder)"
            )
        }
    }

    private func plan() throws -> SweepPlan {
        let plan = try SweepPlan(
            try parameters.map { try SweepParameter(assignment: $0) }, random: random, seed: randomSeed)
        guard !plan.entries.isEmpty else { throw CommandError(.usage, "--set: the sweep has no run; give values") }
        return plan
    }

    private func checkedJobs() throws -> Int {
        let jobs = jobs ?? Host.coreCount
        guard (1...RunLimits.workers.upperBound).contains(jobs) else {
            throw CommandError(.usage, "--jobs \(jobs): give 1 to \(grouped(RunLimits.workers.upperBound))")
        }
        return jobs
    }

    /// The configuration of a run.
    private func load(_ entry: SweepPlan.Entry) throws -> RunConfiguration {
        var changes = try entry.assignments.map { try ConfigurationOverride(assignment: $0) }
        if let epochs {
            changes.append(
                ConfigurationOverride(keyPath: "training.epochs", value: "\(epochs)", spelling: "--epochs \(epochs)"))
        }
        var configuration = try ConfigurationFile.load(path: config, options: changes)
        if let kernel { configuration.kernel = try NumericKernel.resolve(kernel) }
        return configuration
    }

    private var commonArguments: [String] {
        (epochs.map { ["--epochs", "\($0)"] } ?? []) + (kernel.map { ["--kernel", $0] } ?? [])
    }

    private func makeFolder(for configuration: RunConfiguration) throws -> String {
        guard let output else {
            return try RunDirectory.create(output: nil, name: configuration.name + "-sweep").path
        }
        let directory = RunDirectory(existing: output)
        guard !directory.hasConfiguration else {
            throw CommandError(.usage, "--output \(output): the directory of a single run; give another folder")
        }
        return (try? names(in: output)) == nil ? try RunDirectory.create(output: output, name: "sweep").path : output
    }

    /// Prints the comparison of the runs that have ended, and writes the page.
    private func compare(_ plan: SweepPlan, _ sweep: Sweep, in folder: String) throws {
        let runs = plan.entries.compactMap { try? RunComparison.Run(sweep.directory(of: $0)) }
        guard !runs.isEmpty else { return }
        let comparison = RunComparison(runs)
        let page = "\(folder)/comparison.html"
        try ReportPage(
            title: "\(runs[0].summary.name): \(counted(runs.count, "run")) compared", subtitle: folder,
            sections: comparison.sections
        ).write(to: page)
        if json {
            try console.output([try comparison.json()])
        } else {
            try console.output(ComparisonText.lines(comparison) + ["Page: \(page)"])
        }
    }
}

/// Counts the runs of a sweep, and prints a line for each that has ended.
private struct SweepProgress {
    private(set) var done: Int
    let count: Int
    private(set) var failed = 0

    init(done: Int, count: Int) {
        self.done = done
        self.count = count
    }

    mutating func show(_ event: Sweep.Event, of sweep: Sweep, on console: Console) {
        switch event {
        case .began(let entry):
            console.detail("Started \(entry.name)")
        case .finished(let entry):
            done += 1
            let result = (try? RunComparison.Run(sweep.directory(of: entry))).map(ComparisonText.result) ?? "finished"
            console.info("Run \(done + failed) / \(count): \(entry.label.isEmpty ? "" : entry.label + ": ")\(result)")
        case .failed(let entry, let ending, let log):
            failed += 1
            console.warning(
                "run \(done + failed) / \(count): \(entry.label.isEmpty ? entry.name : entry.label): \(ending); see \(log)"
            )
        }
    }
}

import ArgumentParser
import LockstepArtifacts
import LockstepRuntime
import LockstepSystem
import LockstepTraining

/// `lockstep bench`.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Time training steps with different numbers of workers, and tell where the time goes.",
        discussion: """
            One process with one shard is set against W workers with W shards, or all with --shards if it is given. The
            settings take turns, so that a machine whose speed drifts is fair to all; medians are compared.

            Examples:
              lockstep bench config/mnist-30.yaml
              lockstep bench config/mnist-30.yaml --batch 1000 --workers 1,2,4
              lockstep bench config/speedup.yaml --link 1gbit,0.2ms --json
              lockstep bench config/speedup.yaml --workers 1,2,4 --chart speedup.svg
            """
    )

    @OptionGroup var options: BenchOptions

    @Option(
        help: ArgumentHelp("Numbers of workers to try, beside one process. (default: 1,2)", valueName: "w,w,..."))
    var workers: WorkerCounts?

    @Option(help: ArgumentHelp("Steps of each setting. (default: as many as take about three seconds)", valueName: "k"))
    var steps: Int?

    @Option(
        help: ArgumentHelp(
            "Predict for workers on other hosts, behind a network such as 1gbit,0.2ms.", valueName: "rate,latency"))
    var link: LinkOption?

    @Option(
        help: ArgumentHelp(
            "Draw speedup and efficiency, measured and predicted, into this SVG file.", valueName: "file"))
    var chart: String?

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp(
            "Keep the result in this run's directory, as bench.json, and put the chart into its report.html.",
            valueName: "dir"))
    var runDirectory: String?

    @Flag(
        help: ArgumentHelp(
            "Measure what each further worker costs the coordinator, with workers that only pretend to compute; by default "
                + "with 1, 2, 4, 8, 16 and 32 of them."))
    var fanIn = false

    @Flag(help: "Print everything as JSON.")
    var json = false

    func run() throws {
        let stop = try StopSignals.install()
        if let steps, !(1...100_000_000).contains(steps) {
            throw UsageError("--steps \(steps): give a whole number from 1 to 100,000,000")
        }
        let workers = workers ?? WorkerCounts(counts: fanIn ? [1, 2, 4, 8, 16, 32] : [1, 2])
        try workers.check()
        if fanIn { return try runFanIn(workers.counts, stop: stop) }
        let directory = runDirectory.map(RunDirectory.init(existing:))
        // Before the time is spent.
        if let directory { _ = try RunSummary.load(directory) }
        let settings =
            [BenchSetting(workers: 0, shards: options.shards ?? 1)]
            + workers.counts.map { BenchSetting(workers: $0, shards: options.shards ?? $0) }
        let bench = try Bench(settings: settings, options: options, stop: stop)
        let result = try bench.run(steps: steps)
        if json {
            options.consoleOptions.console.result(try result.json(link: link))
        } else {
            for line in result.lines(link: link) { options.consoleOptions.console.result(line) }
        }
        if let chart { try LineChart.write(result.record(link: link).charts, to: chart) }
        if let directory { try SpeedupRecord.keep(try result.json(link: link), in: directory) }
    }

    /// Every worker gets a node of its own, whatever the mini-batch: nobody computes.
    private func runFanIn(_ counts: [Int], stop: StopSignals) throws {
        guard runDirectory == nil, chart == nil, link == nil else {
            throw UsageError("--fan-in measures the coordinator alone: leave --run, --chart and --link out")
        }
        let settings = counts.map { BenchSetting(workers: $0, shards: options.shards ?? $0) }
        var benchOptions = options
        if benchOptions.source.batch == nil, let least = counts.max() { benchOptions.leastBatch = least }
        let bench = try Bench(settings: settings, options: benchOptions, workersPretend: true, stop: stop)
        let result = try FanIn(bench, steps: steps ?? 2_000)
        if json {
            options.consoleOptions.console.result(try result.json())
        } else {
            for line in result.lines { options.consoleOptions.console.result(line) }
        }
    }
}

/// `--workers 1,2,4` of a bench.
struct WorkerCounts: ExpressibleByArgument, Hashable {
    let counts: [Int]

    init(counts: [Int]) {
        self.counts = counts
    }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard !parts.contains(nil) else { return nil }
        counts = parts.compactMap(\.self)
    }

    var defaultValueDescription: String { counts.map(String.init).joined(separator: ",") }

    /// - Throws: `UsageError` for a number of workers that no run can have.
    func check() throws {
        for count in counts {
            guard (1...WorkerCount.maximum).contains(count) else {
                throw UsageError("--workers \(count): a bench tries 1 to \(WorkerCount.maximum) workers")
            }
        }
        guard Set(counts).count == counts.count, counts.count <= 16 else {
            throw UsageError("--workers \(defaultValueDescription): give up to 16 different numbers")
        }
    }
}

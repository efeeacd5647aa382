import ArgumentParser
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
            """
    )

    @OptionGroup var options: BenchOptions

    @Option(
        help: ArgumentHelp("Numbers of workers to try, beside one process.", valueName: "w,w,..."))
    var workers = WorkerCounts(counts: [1, 2])

    @Option(help: ArgumentHelp("Steps of each setting. (default: as many as take about three seconds)", valueName: "k"))
    var steps: Int?

    @Option(
        help: ArgumentHelp(
            "Predict for workers on other hosts, behind a network such as 1gbit,0.2ms.", valueName: "rate,latency"))
    var link: LinkOption?

    @Flag(help: "Print everything as JSON.")
    var json = false

    func run() throws {
        let stop = try StopSignals.install()
        if let steps, !(1...100_000_000).contains(steps) {
            throw UsageError("--steps \(steps): give a whole number from 1 to 100,000,000")
        }
        try workers.check()
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

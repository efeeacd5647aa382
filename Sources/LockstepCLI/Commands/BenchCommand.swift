import ArgumentParser
import LockstepArtifacts
import LockstepBench
import LockstepRuns
import LockstepRuntime
import LockstepSystem

/// `lockstep bench`.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Time training steps with different numbers of workers, and show where the time goes.",
        discussion: """
            Compares one process with one shard with W workers and W shards; with
            --shards, all have the same number. The settings take turns, so that a
            machine whose speed drifts is fair to all; medians are compared.

            Examples:
              lockstep bench config/mnist-30.yaml
              lockstep bench config/mnist-30.yaml --batch 1000 --workers 1,2,4
              lockstep bench config/speedup.yaml --link 1gbit,0.2ms --json
              lockstep bench config/speedup.yaml --link 1gbit,0.2ms --hosts 4x8,64x8
              lockstep bench config/speedup.yaml --workers 1,2,4 --chart speedup.svg
            """
    )

    @OptionGroup var options: BenchOptions

    @Option(
        help: ArgumentHelp("Numbers of workers to try, besides one process. (default: 1,2)", valueName: "n,n,..."))
    var workers: WorkerCountList?

    @Option(
        help: ArgumentHelp("Steps of each setting. (default: as many as take about three seconds)", valueName: "n"))
    var steps: Int?

    @Option(
        help: ArgumentHelp(
            "Predict for workers on other hosts, behind a link such as 1gbit,0.2ms.", valueName: "rate,latency"))
    var link: BenchLink?

    @Option(
        help: ArgumentHelp(
            "Predict for so many hosts of so many worker processes each, such as 4x8, all behind --link; at most "
                + "1,024 processes.",
            valueName: "hosts x processes,..."))
    var hosts: HostLayoutList?

    @Option(help: ArgumentHelp("Predict for trees of hosts of which each serves so many.", valueName: "n"))
    var fanOut = 4

    @Option(
        help: ArgumentHelp(
            "Draw speedup and efficiency, measured and predicted, into this SVG file.", valueName: "file"),
        completion: .file(extensions: ["svg"]))
    var chart: String?

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp(
            "Save the result in this run's directory, as bench.json, and put the chart into its report.html.",
            valueName: "dir"),
        completion: .directory)
    var runDirectory: String?

    @Flag(
        help: ArgumentHelp(
            "Measure what each further worker costs the coordinator, with workers that do not compute; by default "
                + "with 1, 2, 4, 8, 16 and 32 of them."))
    var fanIn = false

    @OptionGroup var oversubscription: OversubscribeOption

    @Flag(help: "Print everything as JSON.")
    var json = false

    private var console: Console { options.consoleOptions.console }

    func run() throws {
        let stop = try StopSignals.install()
        if let steps, !(1...100_000_000).contains(steps) {
            throw CommandError(.usage, "--steps \(steps): give 1 to 100,000,000")
        }
        let workers = workers ?? WorkerCountList(counts: fanIn ? [1, 2, 4, 8, 16, 32] : [1, 2])
        try workers.check()
        let benchHosts = try benchHosts()
        if fanIn { return try runFanIn(workers.counts, stop: stop) }
        try oversubscription.check(workers.counts.max() ?? 0, option: "--workers")
        let directory = runDirectory.map(RunDirectory.init(existing:))
        // A wrong directory is reported before the time is spent.
        if let directory { _ = try RunSummary.load(directory) }
        let settings =
            [BenchSetting(workers: 0, shards: options.shards ?? 1)]
            + workers.counts.map { BenchSetting(workers: $0, shards: options.shards ?? $0) }
        let bench = try stop.beforeRun {
            try Bench(
                settings: settings, transport: options.source.transport ?? .auto, stop: stop,
                configuration: { try options.configuration(shards: $0) }, notify: show)
        }
        let result = try bench.run(steps: steps)
        let report = BenchText(result: result, link: link, hosts: benchHosts)
        let document = try result.json(
            link: link, hosts: benchHosts, summary: result.summarized.first.map(report.summary) ?? "")
        try console.output(json ? [document] : report.lines)
        if let chart { try LineChart.write(result.record(link: link).charts, to: Console.path(chart)) }
        if let directory { try SpeedupRecord.save(document, in: directory) }
    }

    /// The layouts of hosts to predict for; nil if none is asked for.
    private func benchHosts() throws -> BenchHosts? {
        guard let hosts else { return nil }
        guard let link else {
            throw CommandError(.usage, "--hosts predicts over a link: give it too, such as --link 1gbit,0.2ms")
        }
        guard BenchHosts.fanOuts.contains(fanOut) else {
            throw CommandError(
                .usage, "--fan-out \(fanOut): give \(BenchHosts.fanOuts.lowerBound) to \(BenchHosts.fanOuts.upperBound)"
            )
        }
        return BenchHosts(layouts: hosts.layouts, fanOut: fanOut, link: link)
    }

    /// Every worker gets a node of its own, whatever the mini-batch: no worker computes.
    private func runFanIn(_ counts: [Int], stop: StopSignals) throws {
        guard runDirectory == nil, chart == nil, link == nil, hosts == nil else {
            throw CommandError(
                .usage, "--fan-in measures the coordinator alone: leave --run, --chart, --link and --hosts out")
        }
        let settings = counts.map { BenchSetting(workers: $0, shards: options.shards ?? $0) }
        let minimumBatch = options.source.batch == nil ? counts.max() ?? 1 : 1
        let bench = try Bench(
            settings: settings, transport: options.source.transport ?? .auto, workersAreNoOp: true, stop: stop,
            configuration: { try options.configuration(shards: $0, minimumBatch: minimumBatch) }, notify: show)
        let result = try FanIn(bench, steps: steps ?? 2_000)
        try console.output(json ? [try result.json()] : BenchText.lines(result))
    }

    private func show(_ notice: Bench.Notice) {
        switch notice {
        case .cluster(let notice, let ending):
            if notice.isWarning { console.warning(notice.text(ending: ending)) }
        case .progress(let done, let all):
            console.progress("bench: \(done) of \(all) turns")
        }
    }
}

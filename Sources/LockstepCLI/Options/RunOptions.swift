import ArgumentParser
import LockstepTraining

/// What `train` and `coordinator` have in common.
struct RunOptions: ParsableArguments {
    @OptionGroup var source: ConfigurationOptions

    @Option(
        help: ArgumentHelp(
            "Shards of every mini-batch; the weights depend on their number. (default: the workers at start)",
            valueName: "n"))
    var shards: Int?

    @Option(help: ArgumentHelp("Passes over the training samples.", valueName: "n"))
    var epochs: Int?

    @Option(help: ArgumentHelp("The seed of every random number of the run.", valueName: "n"))
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            "The run directory: absent or empty; with --resume, the run to continue. "
                + "(default: runs/NAME-TIMESTAMP; with --resume, the newest of this name)",
            valueName: "dir"),
        completion: .directory)
    var output: String?

    @Flag(
        help: ArgumentHelp(
            "Continue a run from its newest checkpoint, to the same weights as if it had never stopped. Workers, "
                + "transport, intervals, timeouts and the number of epochs may differ. --resume=auto: continue if there is a "
                + "run to continue, else begin."))
    var resume = false

    /// `--resume=auto`, which the parser of the command line cannot read (``UsageText/expandingResume(_:)``).
    @Flag(help: .hidden)
    var resumeAuto = false

    /// Whether the command line asks to continue a run, if there is one or in any case.
    var resumes: Bool { resume || resumeAuto }

    @Flag(help: "Accept workers whose kernel computes other bits. The run is then not bitwise reproducible.")
    var allowMixedKernels = false

    @Option(
        help: ArgumentHelp(
            "In this fraction of the steps, compute every node on two workers and compare the results. (default: 0)",
            valueName: "fraction"))
    var audit: Double?

    @Option(help: ArgumentHelp("The most dead workers that train replaces in a run.", valueName: "n"))
    var maxRestarts = 10

    @Option(
        help: ArgumentHelp(
            "Write every event of the coordinator to this file, for lockstep replay.", valueName: "file"),
        completion: .file())
    var recordEvents: String?

    @Flag(help: "Write a timeline of fifty steps of all processes to trace.json, which opens in Perfetto.")
    var trace = false

    @Option(
        help: ArgumentHelp(
            "Serve a live page of the run, and /metrics for Prometheus, at this port of 127.0.0.1; 0 takes any free port. "
                + "With an address, such as 0.0.0.0:8080, others who reach it can read it.",
            valueName: "port|address:port"))
    var dashboard: DashboardOption?

    @Flag(help: "Print the resolved configuration and exit.")
    var printConfig = false

    @Flag(help: "Print shards, efficiency, bytes, memory and an estimate of the time, and start nothing.")
    var dryRun = false

    @OptionGroup var consoleOptions: ConsoleOptions

    var console: Console { consoleOptions.console }

    /// Reads the configuration; the command line wins over the file, the file over the defaults.
    func configuration() throws -> RunConfiguration {
        try source.load([
            ("--epochs", "training.epochs", epochs.map(String.init)),
            ("--seed", "training.seed", seed.map(String.init)),
            ("--shards", "shards", shards.map(String.init)),
        ])
    }
}

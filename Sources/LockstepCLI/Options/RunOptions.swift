import ArgumentParser
import Foundation
import LockstepTraining

/// What `train` and `coordinator` have in common.
struct RunOptions: ParsableArguments {
    @OptionGroup var source: ConfigurationOptions

    @Option(help: "Parts that every mini-batch is cut into; the weights depend on it. (default: the workers at start)")
    var shards: Int?

    @Option(help: "Passes over the training samples.")
    var epochs: Int?

    @Option(help: "The key of every random number of the run.")
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            "The run directory: absent or empty, with --resume that of the run to go on with. "
                + "(default: runs/NAME-TIMESTAMP, with --resume the newest of this name)",
            valueName: "dir"))
    var output: String?

    @Flag(
        help: ArgumentHelp(
            "Go on with a run from its newest checkpoint, to the same weights as if it had never stopped. Workers, "
                + "transport, intervals and timeouts may differ, and the number of epochs."))
    var resume = false

    @Flag(help: "Accept workers whose kernel computes other bits; the run is then not bitwise reproducible.")
    var allowMixedKernels = false

    @Option(
        help: ArgumentHelp(
            "In this fraction of the steps have every node computed by two workers, and compare. (default: 0)",
            valueName: "fraction"))
    var audit: Double?

    @Option(help: "Dead workers that train replaces in a run, at most.")
    var maxRestarts = 10

    @Option(
        help: ArgumentHelp(
            "Write everything that happens to the coordinator to this file, to be replayed.", valueName: "file"))
    var recordEvents: String?

    @Flag(help: "Write a timeline of fifty steps of all processes to trace.json, which opens in Perfetto.")
    var trace = false

    @Flag(help: "Print the resolved configuration and exit.")
    var printConfig = false

    @Flag(help: "Print shards, efficiency, bytes and memory, and start nothing.")
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

/// How much is said.
struct ConsoleOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Print results only.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Print details.")
    var verbose = false

    var console: Console {
        Console(loudness: quiet ? .quiet : verbose ? .verbose : .normal)
    }

    func validate() throws {
        if quiet && verbose { throw ValidationError("--quiet and --verbose exclude each other") }
    }
}

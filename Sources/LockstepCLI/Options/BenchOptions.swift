import ArgumentParser
import LockstepTraining

/// Which run a bench measures.
struct BenchOptions: ParsableArguments {
    @OptionGroup var source: ConfigurationOptions

    @Option(
        help: ArgumentHelp(
            "Shards of every mini-batch. (default: the number of workers; 1 for one process)", valueName: "n"))
    var shards: Int?

    @OptionGroup var consoleOptions: ConsoleOptions

    /// The run configuration with so many shards.
    ///
    /// - Parameters:
    ///   - shards: Shards of a mini-batch.
    ///   - minimumBatch: Smaller mini-batches are enlarged to this.
    /// - Returns: The configuration; its kernel is not resolved.
    /// - Throws: What is wrong with the configuration.
    func configuration(shards: Int, minimumBatch: Int = 1) throws -> RunConfiguration {
        var configuration = try source.load([("--shards", "shards", "\(shards)")])
        configuration.training.batch = max(configuration.training.batch, minimumBatch)
        return configuration
    }
}

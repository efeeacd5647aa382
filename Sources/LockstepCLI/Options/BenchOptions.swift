import ArgumentParser
import LockstepCompute
import LockstepData
import LockstepRuntime
import LockstepTraining

/// What a bench runs.
struct BenchOptions: ParsableArguments {
    @OptionGroup var source: ConfigurationOptions

    @Option(
        help: "Parts that every mini-batch is cut into. (default: as many as there are workers, one for one process)")
    var shards: Int?

    @OptionGroup var consoleOptions: ConsoleOptions

    /// Smaller mini-batches are made so large.
    var leastBatch = 1

    enum CodingKeys: String, CodingKey {
        case source, shards, consoleOptions
    }

    /// The run of one setting, ready for its first step.
    ///
    /// - Throws: What is wrong with the configuration or the data set.
    func prepare(shards: Int) throws -> PreparedRun {
        var configuration = try source.load([("--shards", "shards", "\(shards)")])
        configuration.training.batch = max(configuration.training.batch, leastBatch)
        let dataset = try Dataset.load(configuration.data, cache: try DataCache())
        return try PreparedRun(
            configuration: configuration, dataset: dataset, workers: 1,
            kernel: try configuration.kernel?.checked() ?? MatrixKernel.resolve("auto"))
    }
}

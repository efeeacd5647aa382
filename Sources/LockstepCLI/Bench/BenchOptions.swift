import ArgumentParser
import LockstepArtifacts
import LockstepBLAS
import LockstepData
import LockstepRuntime
import LockstepTraining

/// What a bench runs.
struct BenchOptions: ParsableArguments {
    @Argument(help: "The run configuration, a YAML file such as config/mnist-30.yaml.")
    var config: String

    @Option(help: "Samples in a mini-batch.")
    var batch: Int?

    @Option(
        help: "Parts that every mini-batch is cut into. (default: as many as there are workers, one for one process)")
    var shards: Int?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Override any key of the configuration; may be repeated.", valueName: "key=value"))
    var overrides: [String] = []

    @Option(
        help: ArgumentHelp(
            "The matrix library's kernel: auto, portable, or "
                + "\(MatrixKernel.allCases.map(\.rawValue).joined(separator: ", ")). (default: auto)",
            valueName: "name"))
    var kernel: String?

    @Option(help: ArgumentHelp("How gradients and weights travel: auto, shared or inline.", valueName: "way"))
    var transport = Transport.auto

    @OptionGroup var consoleOptions: ConsoleOptions

    /// Smaller mini-batches are made so large.
    var leastBatch = 1

    enum CodingKeys: String, CodingKey {
        case config, batch, shards, overrides, kernel, transport, consoleOptions
    }

    /// The run of one setting, ready for its first step.
    ///
    /// - Throws: What is wrong with the configuration or the data set.
    func prepare(shards: Int) throws -> PreparedRun {
        var changes = try overrides.map { try ConfigurationOverride(assignment: $0) }
        if let batch {
            changes.append(
                ConfigurationOverride(keyPath: "training.batch", value: "\(batch)", spelling: "--batch \(batch)"))
        }
        changes.append(ConfigurationOverride(keyPath: "shards", value: "\(shards)", spelling: "--shards \(shards)"))
        var configuration = try ConfigurationFile.load(path: config, options: changes)
        configuration.training.batch = max(configuration.training.batch, leastBatch)
        if let kernel { configuration.kernel = try MatrixKernel.resolve(kernel) }
        let dataset = try Dataset.load(configuration.data, cache: try DataCache())
        return try PreparedRun(
            configuration: configuration, dataset: dataset, workers: 1,
            kernel: try configuration.kernel?.checked() ?? MatrixKernel.resolve("auto"))
    }
}

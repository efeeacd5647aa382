import ArgumentParser
import Lockstep
import LockstepArtifacts
import LockstepCompute
import LockstepData
import LockstepText
import LockstepTraining

/// `lockstep evaluate`.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Count how many samples trained networks classify correctly.",
        usage: "lockstep evaluate [<options>] <model>",
        discussion: """
            With --ensemble, the outputs of all models are averaged for each sample. The
            cost is that of the averaged outputs, by the cost function of <model>.

            Examples:
              lockstep evaluate runs/RUN/best.safetensors
              lockstep evaluate model.safetensors --split validation
              lockstep evaluate model.safetensors --data folder-with-four-idx-files
              lockstep evaluate runs/RUN/best.safetensors \\
                  --data runs/RUN/config.yaml
              lockstep evaluate a.safetensors --ensemble b.safetensors,c.safetensors
            """
    )

    @OptionGroup var modelOptions: ModelOptions

    @Option(
        help: ArgumentHelp(
            "\(DataSource.argumentHelp) (default: the data that the model was trained on)", valueName: "name|path"),
        completion: .file())
    var data: String?

    @Option(help: "The split: \(Split.allCases.map(\.rawValue).joined(separator: ", ")).")
    var split = Split.test

    @Option(help: ArgumentHelp("The numeric kernel.", valueName: "name"))
    var kernel = "auto"

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let console = consoleOptions.console
        let models = try modelOptions.load()
        let ensemble = try modelOptions.ensemble(of: models)
        let dataset = try source(of: models).load(cache: DataCache())
        let trained = models.lazy.compactMap(\.metadata.dataSHA256).first
        if data == nil, let trained, trained != dataset.description.sha256 {
            throw CommandError(
                .invalidData,
                "the model was trained on other data than '\(dataset.description.name)' contains; name the data with "
                    + "--data, for example the config.yaml of the run")
        }
        let score = try ensemble.score(
            of: split, of: dataset, library: try ComputeLibrary.open(try NumericKernel.resolve(kernel)))
        guard score.total > 0 else {
            throw CommandError(
                .usage, "--split \(split.rawValue): data set '\(dataset.description.name)' has no such samples")
        }
        let percent = percentage(Double(score.correct), of: Double(score.total), digits: 2)
        try console.output("\(score.correct) / \(score.total)   \(percent)   cost \(decimal(score.meanLoss, 4))")
        if models.count > 1 { console.detail("mean outputs of \(models.count) models") }
        console.detail("answers by class: \(score.predictions.map(String.init).joined(separator: " "))")
    }

    /// The data set of `--data`; without it, the data set of the training, found by its name.
    private func source(of models: [TrainedModel]) throws -> DataSource {
        if let data { return try DataSource(argument: data) }
        guard let name = models.lazy.compactMap(\.metadata.dataName).first else {
            return .named(KnownDataset.mnist.name)
        }
        let source: DataSource
        do {
            source = try DataSource(argument: name)
        } catch is DataError {
            throw CommandError(
                .missingInput,
                "the model was trained on '\(name)', and there is no data set of this name; name the data with --data, "
                    + "for example the config.yaml of the run")
        }
        if source.format is TableFiles {
            throw CommandError(
                .missingInput,
                "the model was trained on the table '\(name)', and does not say how to read it; name the data with "
                    + "--data, for example the config.yaml of the run")
        }
        return source
    }
}

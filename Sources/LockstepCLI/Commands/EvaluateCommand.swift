import ArgumentParser
import Lockstep
import LockstepArtifacts
import LockstepCompute
import LockstepData
import LockstepSystem
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

            Without --data, the data set of the training is used, as the run's config.yaml
            beside the model names it. A table that --data names is prepared as the
            model's own table was, and all its samples count.

            Examples:
              lockstep evaluate runs/RUN
              lockstep evaluate model.safetensors --split validation
              lockstep evaluate runs/RUN --data more-flowers.csv
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

    @Option(help: "The split: \(Split.allCases.map(\.rawValue).joined(separator: ", ")). (default: test)")
    var split: Split?

    @Option(help: ArgumentHelp("The numeric kernel.", valueName: "name"))
    var kernel = "auto"

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let console = consoleOptions.console
        let models = try modelOptions.load()
        let ensemble = try modelOptions.ensemble(of: models)
        if let data, let table = models.lazy.compactMap(\.metadata.table).first,
            let path = try DataSource(argument: data).plainTable
        {
            guard split == nil else {
                throw CommandError(
                    .usage,
                    "--split: all samples of the table \(data.printable) are evaluated; leave --split out, or name the run's "
                        + "config.yaml with --data")
            }
            let dataset = try table.load(path, classes: ensemble.classNames)
            return try print(try score(ensemble, .training, dataset), .training, of: dataset, models)
        }
        let split = split ?? .test
        let dataset = try source(of: models).load(cache: DataCache())
        for notice in dataset.description.notices { console.detail(notice) }
        let trained = models.lazy.compactMap(\.metadata.dataSHA256).first
        if data == nil, let trained, trained != dataset.description.sha256 {
            throw CommandError(
                .invalidData,
                "the model was trained on other data than '\(dataset.description.name)' contains; name the data with "
                    + "--data, for example the config.yaml of the run")
        }
        let score = try score(ensemble, split, dataset)
        guard score.total > 0 else {
            throw CommandError(
                .usage, "--split \(split.rawValue): data set '\(dataset.description.name)' has no such samples")
        }
        try print(score, split, of: dataset, models)
    }

    private func score(_ ensemble: Ensemble, _ split: Split, _ dataset: LockstepData.Dataset) throws -> SplitScore {
        try ensemble.score(
            of: split, of: dataset, library: try ComputeLibrary.open(try NumericKernel.resolve(kernel)))
    }

    private func print(
        _ score: SplitScore, _ split: Split, of dataset: LockstepData.Dataset, _ models: [TrainedModel]
    ) throws {
        let console = consoleOptions.console
        guard let correct = score.correct else {
            let r2 = score.r2(variance: dataset.description.targetVariances[split]).map { decimal($0, 4) } ?? "-"
            try console.output("R² \(r2)   cost \(decimal(score.meanLoss, 4))   \(counted(score.total, "sample"))")
            return
        }
        let percent = percentage(Double(correct), of: Double(score.total), digits: 2)
        try console.output("\(correct) / \(score.total)   \(percent)   cost \(decimal(score.meanLoss, 4))")
        if models.count > 1 { console.detail("mean outputs of \(models.count) models") }
        let names = models.lazy.map(\.metadata.labels).first { !$0.isEmpty } ?? []
        let isNamed = names.enumerated().contains { String($0) != $1 }
        let answers = score.predictions.enumerated().map { index, count in
            isNamed && index < names.count ? "\(names[index].printable) \(count)" : "\(count)"
        }
        console.detail("answers by class: \(answers.joined(separator: isNamed ? ", " : " "))")
    }

    /// The data set of `--data`; without it, the data set of the training, which the configuration beside the model names, or
    /// the model itself.
    private func source(of models: [TrainedModel]) throws -> DataSource {
        if let data { return try DataSource(argument: data) }
        let isKnown =
            models.lazy.compactMap(\.metadata.dataName).first.map { (try? KnownDataset.named($0)) != nil } ?? true
        if !isKnown, let path = try modelOptions.paths().first,
            let configuration = try? ConfigurationFile.load(path: splitPath(path).folder + "/config.yaml")
        {
            return configuration.data
        }
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

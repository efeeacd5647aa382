import ArgumentParser
import LockstepArtifacts
import LockstepCompute
import LockstepData
import LockstepNetwork
import LockstepNumerics
import LockstepSharding
import LockstepTraining

/// `lockstep evaluate`.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Tell how good a trained network is.",
        discussion: """
            Examples:
              lockstep evaluate runs/RUN/best.safetensors
              lockstep evaluate model.safetensors --split validation
              lockstep evaluate model.safetensors --data folder-with-four-idx-files
              lockstep evaluate runs/RUN/best.safetensors --data runs/RUN/config.yaml
            """
    )

    @Argument(help: "A model file, such as a run's best.safetensors.")
    var model: String

    @Option(
        help: ArgumentHelp(
            "\(DataSource.argumentHelp) (default: what the model was trained on)", valueName: "name|path"))
    var data: String?

    @Option(help: "Which part of it: \(Split.allCases.map(\.rawValue).joined(separator: ", ")).")
    var split = Split.test

    @Option(help: ArgumentHelp("The matrix library's kernel.", valueName: "name"))
    var kernel = "auto"

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let console = consoleOptions.console
        let model = try ModelFile.load(self.model)
        let dataset = try Dataset.load(try source(of: model), cache: try DataCache())
        if data == nil, let trained = model.metadata.dataSHA256, trained != dataset.description.sha256 {
            throw UsageError(
                "the model was trained on other data than '\(dataset.description.name)' holds; name the data with --data, "
                    + "for example by the run's config.yaml", status: .dataError)
        }
        try model.architecture.check(against: dataset.description)
        let library = try MatrixLibrary.open(try MatrixKernel.resolve(kernel))
        let engine = try Backpropagation(
            model.architecture, objective: Objective(cost: model.cost), library: library,
            maximumRows: BlockPartition.evaluationRows)
        let evaluator = Evaluator(network: engine, dataset: dataset)
        let score = evaluator.score(of: split, weights: model.parameters.pointer)
        guard score.total > 0 else {
            throw UsageError("--split \(split.rawValue): data set '\(dataset.description.name)' has no such samples")
        }
        let percent = 100 * Double(score.correct) / Double(score.total)
        console.result(
            "\(score.correct) / \(score.total)   \(decimal(percent, 2)) %   cost \(decimal(score.meanLoss, 4))")
        console.detail("answers by class: \(score.predictions.map(String.init).joined(separator: " "))")
    }

    /// What `--data` says, else the data set that the model was trained on, as far as its name leads to it.
    private func source(of model: Model) throws -> DataSource {
        if let data { return try DataSource(argument: data) }
        guard let name = model.metadata.dataName else { return .named(KnownDataset.mnist.name) }
        let source: DataSource
        do {
            source = try DataSource(argument: name)
        } catch is DataError {
            throw UsageError(
                "the model was trained on '\(name)', and nothing known is called so; name the data with --data, for "
                    + "example by the run's config.yaml", status: .noInput)
        }
        if source.format is TableFiles {
            throw UsageError(
                "the model was trained on the table '\(name)', and does not say how it is to be read; name the data with "
                    + "--data, for example by the run's config.yaml", status: .noInput)
        }
        return source
    }
}

extension Split: ExpressibleByArgument {}

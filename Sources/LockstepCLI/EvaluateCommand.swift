import ArgumentParser
import LockstepArtifacts
import LockstepBLAS
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
            """
    )

    @Argument(help: "A model file, such as a run's best.safetensors.")
    var model: String

    @Option(
        help: ArgumentHelp(
            "A data set's name, or a folder with its four IDX files. (default: the one that the model was trained on)",
            valueName: "name|dir"))
    var data: String?

    @Option(help: "Which part of it: \(Split.allCases.map(\.rawValue).joined(separator: ", ")).")
    var split = Split.test

    @Option(help: ArgumentHelp("The matrix library's kernel.", valueName: "name"))
    var kernel = "auto"

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let console = consoleOptions.console
        let model = try ModelFile.load(self.model)
        let source = try DataSource(argument: data ?? model.metadata.dataName ?? KnownDataset.mnist.name)
        let dataset = try Dataset.load(source, cache: try DataCache())
        try model.architecture.check(against: dataset.description)
        let library = try MatrixLibrary.open(try MatrixKernel.resolve(kernel))
        let engine = try Backpropagation(
            model.architecture, objective: Objective(cost: model.cost), library: library,
            maximumRows: BlockPartition.evaluationRows)
        let evaluator = Evaluator(engine: engine, dataset: dataset)
        let score = evaluator.score(of: split, weights: model.parameters.pointer)
        guard score.total > 0 else {
            throw UsageError("--split \(split.rawValue): data set '\(dataset.description.name)' has no such samples")
        }
        let percent = 100 * Double(score.correct) / Double(score.total)
        console.result("\(score.correct) / \(score.total)   \(decimal(percent, 2)) %   cost \(decimal(score.cost, 4))")
        console.detail("answers by class: \(score.predictions.map(String.init).joined(separator: " "))")
    }
}

extension Split: ExpressibleByArgument {}

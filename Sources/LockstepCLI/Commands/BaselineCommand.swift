import ArgumentParser
import LockstepData

/// `lockstep baseline`.
struct BaselineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "baseline",
        abstract: "Tell how many test samples a program reads that does not learn.",
        discussion: """
            random     guesses, with equal chances for each class
            darkness   compares a picture's darkness with each digit's average darkness in the training samples

            Examples:
              lockstep baseline darkness
              lockstep baseline random --seed 2
            """
    )

    enum Method: String, CaseIterable, ExpressibleByArgument {
        case darkness, random
    }

    @Argument(help: "darkness or random.")
    var method: Method

    @Option(
        help: ArgumentHelp("\(DataSource.argumentHelp)", valueName: "name|path"))
    var data = KnownDataset.mnist.name

    @Option(help: "The key of the guesses.")
    var seed: UInt64 = 1

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let dataset = try Dataset.load(try DataSource(argument: data), cache: try DataCache())
        let samples = dataset.samples(of: .test)
        guard !samples.isEmpty else { throw UsageError("data set '\(dataset.description.name)' has no test samples") }
        let correct =
            switch method {
            case .darkness: AverageDarkness(training: dataset).correct(samples, of: dataset)
            case .random: randomGuesses(seed: seed, samples, of: dataset)
            }
        let percent = 100 * Double(correct) / Double(samples.count)
        consoleOptions.console.result("\(correct) / \(samples.count)   \(decimal(percent, 2)) %")
    }
}

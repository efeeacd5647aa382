import ArgumentParser
import LockstepData

/// `lockstep baseline`.
struct BaselineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "baseline",
        abstract: "Count how many test samples a method without learning classifies correctly.",
        usage: "lockstep baseline [<options>] <method>",
        discussion: """
            random     guesses, with equal chances for each class
            darkness   compares the darkness of a picture with the average darkness of
                       each digit in the training samples

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
        help: ArgumentHelp("\(DataSource.argumentHelp)", valueName: "name|path"),
        completion: .file())
    var data = KnownDataset.mnist.name

    @Option(help: ArgumentHelp("The seed of the guesses.", valueName: "n"))
    var seed: UInt64 = 1

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let dataset = try DataSource(argument: data).load(cache: DataCache())
        let samples = dataset.indices(of: .test)
        guard !samples.isEmpty else {
            throw CommandError(.usage, "data set '\(dataset.description.name)' has no test samples")
        }
        let correct =
            switch method {
            case .darkness: AverageDarkness(training: dataset).correct(samples, of: dataset)
            case .random: randomGuesses(seed: seed, samples, of: dataset)
            }
        let percent = percentage(Double(correct), of: Double(samples.count), digits: 2)
        try consoleOptions.console.output("\(correct) / \(samples.count)   \(percent)")
    }
}

import ArgumentParser
import LockstepCluster
import LockstepData

/// `lockstep replay`.
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Replay the events of a coordinator, and check that it decides as it did in the run.",
        discussion: """
            A coordinator decides by what happens to it and by nothing else. So the
            events that --record-events wrote lead to the same actions when they are
            played to its state machine again. The exit status is 70 if they do not,
            65 if the record is damaged. The record of a run that was killed ends in
            the middle of an event; it is replayed up to there.

            Examples:
              lockstep train config/mnist-30.yaml --workers 2 --record-events run.events
              lockstep replay run.events
            """
    )

    @Argument(help: "A file that --record-events wrote.", completion: .file())
    var file: String

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let console = consoleOptions.console
        let record = try read()
        let isVerbose = console.verbosity == .verbose
        var list = ReplayText.EventList()
        var failure: OutputError?
        let result = record.withUnsafeBytes { bytes in
            Result { () throws(EventReplay.Failure) in
                try EventReplay.run(bytes) { replayed in
                    guard isVerbose, failure == nil, let line = list.add(replayed) else { return }
                    do throws(OutputError) { try console.output(line) } catch { failure = error }
                }
            }
        }
        if let failure { throw failure }
        if let line = list.omission { try console.output(line) }
        switch result {
        case .success(let report):
            try console.output(ReplayText.line(report))
        case .failure(let failure):
            throw CommandError(ReplayText.kind(of: failure), "\(file): \(ReplayText.text(failure))")
        }
    }

    private func read() throws -> [UInt8] {
        do {
            return try InputFile(path: file).content()
        } catch {
            throw CommandError(.missingInput, "\(file): no such file, or it cannot be read; check the path")
        }
    }
}

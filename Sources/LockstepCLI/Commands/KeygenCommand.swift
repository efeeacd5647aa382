import ArgumentParser
import LockstepRuntime

/// `lockstep keygen`.
struct KeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Make keys for runs across hosts.",
        discussion: """
            Makes, in a folder, coordinator.public, coordinator.secret, worker.public, worker.secret and allowed-workers.
            Nothing is ever replaced. Copy coordinator.public, worker.public and worker.secret to each worker's host, over
            a channel that nobody reads; coordinator.secret stays where it is.

            A host that is to have a key of its own makes one with lockstep keygen; add its worker.public to the
            coordinator's allowed-workers, a key on each line.

            Example:
              lockstep keygen keys
              lockstep coordinator config/mnist-30.yaml --bind 'tcp://*:5555' --keys keys --workers 2
              lockstep worker --connect tcp://server:5555 --keys keys
            """
    )

    @Argument(help: "The folder: made if it is not there.")
    var directory: String

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let console = consoleOptions.console
        for path in try KeyDirectory(path: directory).generate() { console.result(path) }
        console.note("Copy coordinator.public, worker.public and worker.secret to each worker's host, and nothing else")
    }
}

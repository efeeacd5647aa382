import ArgumentParser
import LockstepRuntime

/// `lockstep keygen`.
struct KeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Make keys for runs across hosts.",
        discussion: """
            Makes these files in a folder: coordinator.public, coordinator.secret,
            worker.public, worker.secret and allowed-workers. Existing files are never
            replaced. Copy coordinator.public, worker.public and worker.secret to the
            host of each worker, over a channel that only you can read;
            coordinator.secret stays where it is.

            For a host with a key of its own, run lockstep keygen there, and add its
            worker.public to allowed-workers of the coordinator, a key on each line.

            Examples:
              lockstep keygen keys
              lockstep coordinator config/mnist-30.yaml \\
                  --bind 'tcp://*:5555' --keys keys --workers 2
              lockstep worker --connect tcp://server:5555 --keys keys
            """
    )

    @Argument(help: "The folder; it is made if it does not exist.", completion: .directory)
    var directory: String

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let console = consoleOptions.console
        try console.output(try KeyDirectory(path: directory).generate())
        console.info(
            "Copy coordinator.public, worker.public and worker.secret to the host of each worker, and nothing else")
    }
}

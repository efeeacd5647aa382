import ArgumentParser
import LockstepCluster
import LockstepRuntime
import ZeroMQ

/// `lockstep status`.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show who is in a run, who is slow, and which step it has come to.",
        discussion: """
            Examples:
              lockstep status tcp://127.0.0.1:5555
              lockstep status tcp://server:5555 --keys keys
            """
    )

    @Argument(help: "Where the coordinator listens.")
    var endpoint: String

    @OptionGroup var keyOptions: KeyOptions

    @Flag(help: "Print the status as JSON.")
    var json = false

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let client = try StatusClient(
            try Endpoint(endpoint), security: try keyOptions.workerSecurity(), context: try Context())
        let status = try client.status()
        try consoleOptions.console.output(json ? [try status.json()] : status.lines)
    }
}

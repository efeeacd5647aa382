import ArgumentParser
import LockstepCluster
import LockstepCompute
import LockstepData
import LockstepProtocol
import LockstepRuntime
import LockstepSystem
import ZeroMQ

/// `lockstep worker`.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Compute gradients for a coordinator, until its run is over.",
        discussion: """
            A worker needs nothing but the endpoint: the coordinator sends it the configuration and, unless it is in
            this host's cache, the data set.

            Examples:
              lockstep worker --connect tcp://127.0.0.1:5555
              lockstep worker --connect ipc:///tmp/run.ipc --processes 2
              lockstep worker --connect tcp://server:5555 --keys keys
            """
    )

    @Option(help: ArgumentHelp("Where the coordinator listens.", valueName: "endpoint"))
    var connect: String

    @Option(help: ArgumentHelp("Worker processes to start here; each computes on one core.", valueName: "n"))
    var processes = 1

    @Option(help: "Killed or crashed processes that are replaced, at most, with --processes 2 or more.")
    var maxRestarts = 10

    @Option(
        help: ArgumentHelp(
            "Use this kernel in place of the run's: "
                + "\(MatrixKernel.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "name"))
    var kernel: String?

    @OptionGroup var keyOptions: KeyOptions

    @Option(
        help: ArgumentHelp(
            "Run on this core alone, counted from 0, as long as nobody else needs it. (default: any; of as many processes "
                + "as there are cores that one command starts, each has its own)", valueName: "n"))
    var core: Int?

    @Option(
        help: ArgumentHelp(
            "How weights and gradients travel: auto (in shared memory if the coordinator is on this host and offers "
                + "it, else in messages), shared, inline. (default: auto)", valueName: "auto|shared|inline"))
    var transport: Transport?

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let stop = try StopSignals.install()
        let endpoint = try Endpoint(connect)
        let kernel = try kernel.map { try MatrixKernel.resolve($0) }
        guard (1...WorkerCount.maximum).contains(processes) else {
            throw UsageError("--processes \(processes): 1 to \(WorkerCount.maximum) worker processes can be started")
        }
        if let core, !(0..<Host.coreCount).contains(core) {
            throw UsageError(
                "--core \(core): this process may run on \(Host.coreCount) cores, of which the first is 0")
        }
        guard core == nil || processes == 1 else {
            throw UsageError("--core is for one process, not for --processes \(processes): leave one of them out")
        }
        guard maxRestarts >= 0 else { throw UsageError("--max-restarts \(maxRestarts): 0 or more") }
        if processes > 1 {
            try Lifeline.standardInput?.endProcessWithIt()
            try WorkerGroup(
                count: processes, arguments: arguments, maximumRestarts: maxRestarts, console: consoleOptions.console
            ).run(stop: stop)
        } else {
            try serve(endpoint, kernel: kernel, stop: stop)
        }
    }

    private func serve(_ endpoint: Endpoint, kernel: MatrixKernel?, stop: StopSignals) throws {
        let console = consoleOptions.console
        var said: [String] = []
        let options = WorkerOptions(
            host: Host.name, processID: Host.processID, kernel: kernel, transport: transport ?? .auto,
            cache: try DataCache(), core: core, security: try keyOptions.workerSecurity(),
            lastLines: { said }, keepEvents: console.keepWorkerEvents
        ) { notice in
            said = said.suffix(LogLines.maximumLines - 1) + [notice.text]
            console.note(notice.text)
        }
        try WorkerProcess.serve(endpoint, options, stop: stop)
        console.note("The run is over")
    }

    /// This command's line for one process.
    private var arguments: [String] {
        ["worker", "--connect", connect] + (kernel.map { ["--kernel", $0] } ?? [])
            + (keyOptions.keys.map { ["--keys", $0] } ?? [])
            + (transport.map { ["--transport", $0.rawValue] } ?? [])
            + (consoleOptions.quiet ? ["--quiet"] : []) + (consoleOptions.verbose ? ["--verbose"] : [])
    }
}

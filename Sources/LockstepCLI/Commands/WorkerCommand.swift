import ArgumentParser
import Glibc
import LockstepCluster
import LockstepCompute
import LockstepData
import LockstepProtocol
import LockstepRuns
import LockstepRuntime
import LockstepSystem
import LockstepText
import ZeroMQ

/// `lockstep worker`.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Compute gradients for a coordinator, until its run is over.",
        usage: "lockstep worker --connect <endpoint> [<options>]",
        discussion: """
            A worker needs nothing except the endpoint: the coordinator sends it the
            configuration and, unless it is in the cache of this host, the data set.

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

    @Option(
        help: ArgumentHelp(
            "With --processes 2 or more: the most killed or crashed processes that are replaced.", valueName: "n"))
    var maxRestarts = 10

    @Option(
        help: ArgumentHelp("Use this kernel instead of the run's: \(KernelHelp.names).", valueName: "name"))
    var kernel: String?

    @OptionGroup var keyOptions: KeyOptions

    @Option(
        help: ArgumentHelp(
            "Run on this core only, counted from 0, while no other program needs it. (default: any core; a command "
                + "that starts one process a core gives each process its own)", valueName: "n"))
    var core: Int?

    @Option(
        help: ArgumentHelp(
            "How weights and gradients travel: in shared memory, or inline in messages; auto takes shared memory if the "
                + "coordinator is on this host and offers it. With shared-sockets messages announce what is in shared "
                + "memory, otherwise mailboxes there do. (default: auto)", valueName: "how"))
    var transport: Transport?

    @OptionGroup var oversubscription: OversubscribeOption
    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let stop = try StopSignals.install()
        let endpoint = try Endpoint(connect)
        let kernel = try kernel.map { try NumericKernel.resolve($0) }
        guard RunLimits.workers.contains(processes) else {
            throw CommandError(
                .usage, "--processes \(processes): give 1 to \(grouped(RunLimits.workers.upperBound)) worker processes")
        }
        try oversubscription.check(processes, option: "--processes")
        try RunResources.worker.check()
        if let core, !(0..<Host.allowedCoreCount).contains(core) {
            throw CommandError(
                .usage, "--core \(core): this process can run on cores 0 to \(Host.allowedCoreCount - 1)")
        }
        guard core == nil || processes == 1 else {
            throw CommandError(.usage, "--core is for one process, not for --processes \(processes): leave one out")
        }
        guard maxRestarts >= 0 else {
            throw CommandError(.usage, "--max-restarts \(maxRestarts): give 0 or more")
        }
        ServiceManager.current?.ready(status: "Waiting for the coordinator at \(connect)")
        if processes > 1 {
            try ParentChildSocket.standardInput?.exitProcessAtEnd()
            let console = consoleOptions.console
            let group = WorkerGroup(count: processes, arguments: arguments, maximumRestarts: maxRestarts) { death in
                console.warning(
                    "pid \(death.processID) ended with \(death.ending): \(death.notice.text(ending: nil))")
            }
            try group.run(stop: stop)
        } else {
            try serve(endpoint, kernel: kernel, stop: stop)
        }
    }

    private func serve(_ endpoint: Endpoint, kernel: NumericKernel?, stop: StopSignals) throws {
        let console = consoleOptions.console
        Console.removeOldEvents()
        var log: [String] = []
        let options = WorkerOptions(
            host: Host.name, processID: Host.processID, kernel: kernel, transport: transport ?? .auto,
            cache: DataCache(), core: core, security: try keyOptions.workerSecurity(),
            lastLines: { log }, saveEvents: console.saveWorkerEvents,
            notify: { notice in
                log = log.suffix(LogLines.maximumLines - 1) + [notice.text]
                console.info(notice.text)
                ServiceManager.current?.report(status: notice.text)
            })
        stop.setCleanup {
            console.info(Self.stopLine(stop))
            Console.flush(isHurried: true)
        }
        // The worker waits all the same: the name may come with the network.
        if let reason = try stop.beforeRun({ endpoint.reasonOfNoAddress }) {
            console.warning("\(endpoint): \(reason); trying for \(Int(Deadlines().start)) s")
        }
        do {
            try WorkerProcess.serve(endpoint, options, stop: stop)
        } catch let error as RunError where error.interruption != nil {
            console.info(Self.stopLine(stop))
            throw error
        }
        console.info("The run is over")
    }

    private static func stopLine(_ stop: StopSignals) -> String {
        "Told to stop by \(signalName(stop.requested ?? SIGTERM)); the run goes on without this worker"
    }

    /// The command line of one process.
    private var arguments: [String] {
        ["worker", "--connect", connect] + (kernel.map { ["--kernel", $0] } ?? [])
            + (keyOptions.keys.map { ["--keys", $0] } ?? [])
            + (transport.map { ["--transport", $0.rawValue] } ?? [])
            + (consoleOptions.quiet ? ["--quiet"] : []) + (consoleOptions.verbose ? ["--verbose"] : [])
    }
}

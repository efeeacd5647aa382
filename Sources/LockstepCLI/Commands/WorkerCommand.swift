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
import LockstepTimeline
import ZeroMQ

/// `lockstep worker`.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Compute gradients for a coordinator, until its run is over.",
        usage: "lockstep worker --connect <endpoint>[,<endpoint>...] [<options>]",
        discussion: """
            A worker needs nothing except the endpoint: the coordinator sends it the
            configuration and, unless it is in the cache of this host, the data set.
            Of several endpoints it takes the first that proves to be the coordinator.

            Examples:
              lockstep worker --connect tcp://127.0.0.1:5555
              lockstep worker --connect ipc:///tmp/run.ipc --processes 2
              lockstep worker --connect tcp://server:5555 --keys keys
              lockstep worker --connect tcp://10.0.0.5:5555,tcp://server:5555 \\
                  --keys keys --processes auto
              lockstep worker --connect file:runs/first/endpoint --keys keys \\
                  --wait 600
            """
    )

    @Option(
        help: ArgumentHelp(
            "Where the coordinator listens; several are tried at once. file:PATH reads them from the file endpoint of "
                + "the coordinator's run directory, tcp://@ssh:PORT is the host that ssh came from. (default: "
                + "LOCKSTEP_CONNECT)", valueName: "endpoint,..."))
    var connect: String?

    @Option(
        help: ArgumentHelp(
            "Worker processes to start here; each computes on one core. They share one connection to a coordinator on "
                + "another host. auto: one for each core that this process may use.", valueName: "n|auto"))
    var processes = ProcessCount(1)

    @Option(
        help: ArgumentHelp(
            "With --processes 2 or more: the most killed or crashed processes that are replaced.", valueName: "n"))
    var maxRestarts = 10

    @Option(help: ArgumentHelp("How long to wait for the coordinator.", valueName: "seconds"))
    var wait = Deadlines().start

    @Flag(
        help: "End only with a finished run: when a coordinator ends before that, wait for one that resumes the run.")
    var untilFinished = false

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

    /// Given to one of several processes of a command: it says for all of them why they wait.
    @Flag(help: .hidden)
    var reportsWait = false

    /// Given to a worker at the end of a tunnel: sshd leaves the file of its socket behind.
    @Flag(help: .hidden)
    var removesSocket = false

    @OptionGroup var oversubscription: OversubscribeOption
    @OptionGroup var consoleOptions: ConsoleOptions

    /// The environment variable that says where the coordinator listens.
    private static let variable = "LOCKSTEP_CONNECT"
    private static let longestWait = 604_800.0

    func run() throws {
        let stop = try StopSignals.install()
        let connect = try endpoints()
        let addresses = try CoordinatorAddresses(
            connect, sshConnection: getenv("SSH_CONNECTION").map { String(cString: $0) })
        let kernel = try kernel.map { try NumericKernel.resolve($0) }
        let processes = try checkedProcesses()
        try RunResources.worker.check()
        let socket: String? = if removesSocket, case .ipc(let path) = addresses.single { path } else { nil }
        let removeSocket: @Sendable () -> Void = { if let socket { unlink(socket) } }
        defer { removeSocket() }
        let security = try stop.beforeRun { try readKeys(removeSocket) }
        if ParentChildSocket.standardInput == nil {
            consoleOptions.console.info("Connecting to \(addresses); waiting up to \(Int(wait)) s")
        }
        ServiceManager.current?.ready(status: "Waiting for the coordinator at \(addresses)")
        if processes > 1, isOnCoordinatorsHost(addresses) {
            try serve(connect, processes, security, stop)
        } else {
            let relay = try processes > 1 ? makeRelay() : nil
            defer { relay?.finish(until: .after(.seconds(Deadlines().linger))) }
            let aggregation = relay.map { makeAggregation(of: processes, $0) }
            try serve(addresses, security, kernel: kernel, aggregating: aggregation, stop: stop)
        }
    }

    private func endpoints() throws -> String {
        if let connect { return connect }
        guard let value = getenv(Self.variable), value.pointee != 0 else {
            throw CommandError(
                .usage,
                "give --connect ENDPOINT, or set \(Self.variable): the coordinator prints where it listens")
        }
        return String(path: value)
    }

    /// Checks the options that are numbers; returns the number of processes.
    private func checkedProcesses() throws -> Int {
        let count = try processes.checked()
        if !processes.isAutomatic { try oversubscription.check(count, option: "--processes") }
        if let core, !(0..<Host.allowedCoreCount).contains(core) {
            throw CommandError(
                .usage, "--core \(core): this process can run on cores 0 to \(Host.allowedCoreCount - 1)")
        }
        guard core == nil || count == 1 else {
            throw CommandError(.usage, "--core is for one process, not for --processes \(count): leave one out")
        }
        guard maxRestarts >= 0 else {
            throw CommandError(.usage, "--max-restarts \(maxRestarts): give 0 or more")
        }
        guard wait > 0, wait <= Self.longestWait else {
            throw CommandError(
                .usage, "--wait \(wait): give seconds, more than 0 and at most \(grouped(Int(Self.longestWait)))")
        }
        return count
    }

    /// The keys. Those that come on standard input stay valid as long as it is open.
    private func readKeys(_ cleanup: @escaping @Sendable () -> Void) throws -> ConnectionSecurity {
        guard keyOptions.areOnStandardInput else { return try keyOptions.workerSecurity() }
        let security = try WorkerKeyLine.read(seconds: Deadlines().start)
        let console = consoleOptions.console
        try StandardInput.exitProcessAtEnd {
            cleanup()
            console.info("Standard input has ended: the launcher of this worker is gone, and so the worker ends")
            Console.flush(isHurried: true)
        }
        return security
    }

    /// Whether this process and the coordinator share a host, so that each process here shares memory with it. The socket at
    /// the end of a tunnel leads to another host.
    private func isOnCoordinatorsHost(_ addresses: CoordinatorAddresses) -> Bool {
        guard case .ipc? = addresses.single else { return false }
        return !removesSocket
    }

    private func makeRelay() throws -> LineRelay {
        let console = consoleOptions.console
        return try LineRelay { number, line in console.relay("[\(number)] \(line)") }
    }

    /// Several processes that are one worker of the run.
    private func makeAggregation(of count: Int, _ relay: LineRelay) -> AggregatorOptions {
        let console = consoleOptions.console
        return AggregatorOptions(
            processes: count,
            arguments: (consoleOptions.quiet ? ["--quiet"] : []) + (consoleOptions.verbose ? ["--verbose"] : []),
            maximumRestarts: maxRestarts, relay: relay,
            notify: { notice, ending in
                let text = "This host's " + notice.text(ending: ending)
                if notice.isWarning { console.warning(text) } else { console.info(text) }
            })
    }

    /// Starts several processes, each a worker of the run.
    private func serve(
        _ connect: String, _ count: Int, _ security: ConnectionSecurity, _ stop: StopSignals
    ) throws {
        try ParentChildSocket.standardInput?.exitProcessAtEnd()
        let console = consoleOptions.console
        let relay = try makeRelay()
        defer { relay.finish(until: .after(.seconds(Deadlines().linger))) }
        let group = WorkerGroup(
            count: count, arguments: { arguments(connect, place: $0) }, maximumRestarts: maxRestarts,
            keyLine: WorkerKeyLine.text(security), relay: relay,
            notify: { death in
                console.warning("pid \(death.processID) ended with \(death.ending): \(death.notice.text(ending: nil))")
            })
        try group.run(stop: stop)
    }

    private func serve(
        _ addresses: CoordinatorAddresses, _ security: ConnectionSecurity, kernel: NumericKernel?,
        aggregating aggregation: AggregatorOptions?, stop: StopSignals
    ) throws {
        let console = consoleOptions.console
        Console.removeOldEvents()
        let log = Locked<[String]>([])
        let say: @Sendable (String) -> Void = { line in
            log.withLock { $0 = $0.suffix(LogLines.maximumLines - 1) + [line] }
            console.info(line)
        }
        let saysWhyItWaits = reportsWait || ParentChildSocket.standardInput == nil
        let options = WorkerOptions(
            host: Host.name, processID: Host.processID, kernel: kernel, transport: transport ?? .auto,
            cache: DataCache(), core: core, security: security, lastLines: { log.withLock { $0 } },
            saveEvents: console.saveWorkerEvents, wait: wait, endsOnlyWhenFinished: untilFinished,
            reportWait: saysWhyItWaits ? say : nil,
            notify: { notice in
                say(notice.text)
                ServiceManager.current?.report(status: notice.text)
            })
        stop.setCleanup {
            console.info(Self.stopLine(stop))
            Console.flush(isHurried: true)
        }
        // The worker waits all the same: the name may come with the network.
        if saysWhyItWaits, let endpoint = addresses.single,
            let reason = try stop.beforeRun({ endpoint.reasonOfNoAddress })
        {
            console.warning("\(endpoint): \(reason); trying for \(Int(wait)) s")
        }
        do {
            try WorkerProcess.serve(addresses, options, aggregating: aggregation, stop: stop)
        } catch let error as RunError where error.interruption != nil {
            console.info(Self.stopLine(stop))
            throw error
        }
        console.info("The run is over")
    }

    private static func stopLine(_ stop: StopSignals) -> String {
        "Told to stop by \(signalName(stop.requested ?? SIGTERM)); the run goes on without this worker"
    }

    /// The command line of one of several processes. Its keys come on its standard input.
    private func arguments(_ connect: String, place: Int) -> [String] {
        ["worker", "--connect", connect, "--keys", "-", "--wait", "\(wait)"] + (kernel.map { ["--kernel", $0] } ?? [])
            + (transport.map { ["--transport", $0.rawValue] } ?? [])
            + (place == 0 ? ["--reports-wait"] : []) + (untilFinished ? ["--until-finished"] : [])
            + (consoleOptions.quiet ? ["--quiet"] : []) + (consoleOptions.verbose ? ["--verbose"] : [])
    }
}

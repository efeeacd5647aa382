import ArgumentParser
import Foundation
import Glibc
import LockstepCluster
import LockstepLaunch
import LockstepRuntime
import LockstepSystem
import LockstepText
import LockstepTraining
import ZeroMQ

/// The options of `train` that start workers on other hosts.
struct LaunchOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Start workers over ssh on these hosts: HOST[:N] for N processes, n[01-08] for n01 to n08.",
            valueName: "host,..."))
    var hosts: String?

    @Option(
        help: ArgumentHelp(
            "The same for the hosts of a file: HOST [slots=N] on each line, as Open MPI's.", valueName: "file"),
        completion: .file())
    var hostfile: String?

    @OptionGroup var slurmOptions: SlurmOptions

    @Option(
        help: ArgumentHelp(
            "The program on the other hosts. (default: lockstep; with --slurm: the path of this program)",
            valueName: "path"))
    var remote: String?

    @Flag(
        help: "With --hosts: send everything through the ssh connections, so that no port of this host need be open.")
    var tunnel = false

    @Option(
        help: ArgumentHelp("With --hosts: the file of ssh's options. (default: ~/.ssh/config)", valueName: "file"),
        completion: .file())
    var sshConfig: String?

    @OptionGroup var advertiseOption: AdvertiseOption

    /// The most bytes of a file of hosts.
    private static let maximumFileBytes = 1 << 20

    /// Where the workers are to be started.
    enum Target {
        case ssh([HostEntry])
        case slurm(SlurmAllocation)

        var hosts: [HostEntry] {
            switch self {
            case .ssh(let hosts): hosts
            case .slurm(let allocation): allocation.nodes
            }
        }

        /// How, for people.
        var way: String {
            switch self {
            case .ssh: "over ssh"
            case .slurm(let allocation): "in job \(allocation.job) of Slurm"
            }
        }
    }

    /// Where to start workers; nil without `--slurm`, `--hosts` and `--hostfile`.
    ///
    /// - Throws: `CommandError` for a list that names no hosts, a file that cannot be read, or no allocation.
    func target() throws -> Target? {
        _ = try advertiseOption.checkedHost()
        guard let allocation = try slurmOptions.allocation() else { return try entries().map { .ssh($0) } }
        guard hosts == nil, hostfile == nil, !tunnel, sshConfig == nil else {
            throw CommandError(
                .usage,
                "--slurm starts workers on the nodes of the job: leave --hosts, --hostfile, --tunnel and --ssh-config out"
            )
        }
        return .slurm(allocation)
    }

    private func entries() throws -> [HostEntry]? {
        guard hosts == nil || hostfile == nil else {
            throw CommandError(.usage, "--hosts and --hostfile both name the hosts: leave one out")
        }
        if let hosts {
            do {
                return try HostList.parse(hosts)
            } catch {
                throw CommandError(.usage, "--hosts: \(error)")
            }
        }
        guard let hostfile else {
            guard !tunnel, sshConfig == nil, remote == nil, advertiseOption.advertise == nil else {
                throw CommandError(
                    .usage,
                    "--remote, --tunnel, --ssh-config and --advertise belong to --hosts or --hostfile, --remote and "
                        + "--advertise also to --slurm")
            }
            return nil
        }
        do {
            return try HostList.parse(file: try text(of: hostfile))
        } catch let fault as HostList.Fault {
            throw CommandError(.invalidData, "\(hostfile): \(fault)")
        } catch let error as SystemError {
            throw CommandError(.missingInput, "\(error)")
        }
    }

    private func text(of path: String) throws -> String {
        let file = try FileDescriptor(opening: path, flags: O_RDONLY)
        var (content, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
        while content.count < Self.maximumFileBytes {
            let count = try file.read(into: &buffer)
            if count == 0 { break }
            content += buffer.prefix(count)
        }
        return String(decoding: content, as: UTF8.self)
    }

    /// Where the coordinator listens for workers on other hosts: at any free port, or, in a tunnel, at a unix socket.
    var endpoints: [Endpoint] { tunnel ? [] : [.tcp(host: "*", port: 0)] }

    /// New keys, which only this process knows; nil in a tunnel, which ssh protects.
    func makeKeys() throws -> CoordinatorKeys? {
        tunnel ? nil : CoordinatorKeys(keys: try .make(), allowed: AllowedKeys())
    }

    /// What the launcher of the hosts needs to know.
    ///
    /// - Parameters:
    ///   - target: Where the workers are started.
    ///   - cluster: The coordinator, which listens already.
    ///   - options: The options of the run.
    ///   - keys: The coordinator's keys.
    ///   - allowsOversubscription: Whether a host may have more processes than it has use for.
    ///   - start: How long the run waits for its first workers.
    /// - Returns: The settings.
    /// - Throws: `HostFailure` if there is no ssh or srun here; `CommandError` or `ZeroMQError` for a host that cannot be advertised.
    func settings(
        for target: Target, _ cluster: Cluster, _ options: RunOptions, _ keys: CoordinatorKeys?,
        allowsOversubscription: Bool,
        start: Double
    ) throws -> HostWorkers.Settings {
        // A worker that does not reach this host says why before the run stops waiting.
        let wait = max(1, Int(start / 2))
        let arguments =
            ["--wait", "\(wait)"] + (options.source.transport.map { ["--transport", $0.rawValue] } ?? [])
            + (allowsOversubscription ? ["--oversubscribe"] : [])
            + (options.consoleOptions.quiet ? ["--quiet"] : []) + (options.consoleOptions.verbose ? ["--verbose"] : [])
        let (command, package): (any HostCommand, String)
        switch target {
        case .ssh:
            command = SSHCommand(
                configuration: sshConfig, remote: remote ?? "lockstep", workerArguments: arguments)
            package = "openssh-client"
        case .slurm(let allocation):
            command = SrunCommand(
                program: try remote ?? Host.executablePath, coresPerTask: allocation.coresPerTask,
                workerArguments: arguments)
            package = "slurm-client"
        }
        return HostWorkers.Settings(
            command: command,
            client: try hostClient(command.name, package: package, path: environmentPath("PATH") ?? ""),
            route: try route(to: cluster, from: target), keys: keys,
            maximumRestarts: options.maxRestarts, version: programVersion
        ) { [console = options.console] host, line in console.relay("\(host): \(line)") }
    }

    private func route(to cluster: Cluster, from target: Target) throws -> HostRoute {
        if case .ipc(let path) = cluster.endpoints.first {
            let name = String(UInt64.random(in: 0 ... .max), radix: 36)
            return .tunnel(remote: "/tmp/lockstep-\(name)", local: path)
        }
        guard case .tcp(_, let port) = cluster.endpoints.first else { return .network(endpoints: []) }
        let own = AdvertisedEndpoints.list(cluster.endpoints, advertising: try advertiseOption.checkedHost())
        let seenBySSH = if case .ssh = target { ["tcp://@ssh:\(port)"] } else { [String]() }
        return .network(endpoints: seenBySSH + own.map(\.description))
    }
}

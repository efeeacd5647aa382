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

    @Option(help: ArgumentHelp("With --hosts: the program there.", valueName: "path"))
    var remote = "lockstep"

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

    /// The hosts; nil without `--hosts` and `--hostfile`.
    ///
    /// - Throws: `CommandError` for a list that names no hosts, or a file that cannot be read.
    func entries() throws -> [HostEntry]? {
        _ = try advertiseOption.checkedHost()
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
            guard !tunnel, sshConfig == nil, remote == "lockstep", advertiseOption.advertise == nil else {
                throw CommandError(
                    .usage, "--remote, --tunnel, --ssh-config and --advertise belong to --hosts or --hostfile")
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
    ///   - cluster: The coordinator, which listens already.
    ///   - options: The options of the run.
    ///   - keys: The coordinator's keys.
    ///   - allowsOversubscription: Whether a host may have more processes than it has use for.
    ///   - start: How long the run waits for its first workers.
    /// - Returns: The settings.
    /// - Throws: `HostFailure` if there is no ssh here; `CommandError` or `ZeroMQError` for a host that cannot be advertised.
    func settings(
        for cluster: Cluster, _ options: RunOptions, _ keys: CoordinatorKeys?, allowsOversubscription: Bool,
        start: Double
    ) throws -> HostWorkers.Settings {
        // A worker that does not reach this host says why before the run stops waiting.
        let wait = max(1, Int(start / 2))
        let arguments =
            ["--wait", "\(wait)"] + (options.source.transport.map { ["--transport", $0.rawValue] } ?? [])
            + (allowsOversubscription ? ["--oversubscribe"] : [])
            + (options.consoleOptions.quiet ? ["--quiet"] : []) + (options.consoleOptions.verbose ? ["--verbose"] : [])
        return HostWorkers.Settings(
            command: SSHCommand(configuration: sshConfig, remote: remote, workerArguments: arguments),
            client: try sshClient(path: environmentPath("PATH") ?? ""), route: try route(to: cluster), keys: keys,
            maximumRestarts: options.maxRestarts, version: programVersion
        ) { [console = options.console] host, line in console.relay("\(host): \(line)") }
    }

    private func route(to cluster: Cluster) throws -> SSHCommand.Route {
        if case .ipc(let path) = cluster.endpoints.first {
            let name = String(UInt64.random(in: 0 ... .max), radix: 36)
            return .tunnel(remote: "/tmp/lockstep-\(name)", local: path)
        }
        guard case .tcp(_, let port) = cluster.endpoints.first else { return .network(endpoints: []) }
        let own = AdvertisedEndpoints.list(cluster.endpoints, advertising: try advertiseOption.checkedHost())
        return .network(endpoints: ["tcp://@ssh:\(port)"] + own.map(\.description))
    }
}

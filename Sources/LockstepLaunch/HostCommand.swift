package import LockstepCluster
package import LockstepSystem

/// A program on this host that runs a worker command on another one, and that ends with it: ssh, or srun.
package protocol HostCommand: Sendable {
    /// What it is called in messages.
    var name: String { get }
    /// Changes to this process's environment for the program: a value adds or replaces a variable, nil removes it.
    var environment: [String: String?] { get }
    /// Whether the workers go on when this program is killed.
    var isOutlived: Bool { get }

    /// Its arguments, without its own name.
    ///
    /// - Parameters:
    ///   - host: The host and its number of processes.
    ///   - route: How its workers reach the coordinator.
    ///   - deadlines: How long to wait for the host.
    /// - Returns: The arguments.
    func arguments(for host: HostEntry, over route: HostRoute, deadlines: Deadlines) -> [String]

    /// How the worker command has ended, given how this program has.
    func ending(_ client: ChildProcess.Exit) -> ChildProcess.Exit

    /// Explains an end that was no success.
    ///
    /// - Parameters:
    ///   - host: The host.
    ///   - ending: How the worker command ended.
    ///   - lines: What this program and the worker command have printed last.
    ///   - version: The version of lockstep.
    /// - Returns: The failure, with its remedy.
    func failure(of host: String, _ ending: ChildProcess.Exit, lines: [String], version: String) -> HostFailure
}

/// The way from a worker to the coordinator.
package enum HostRoute: Hashable, Sendable {
    /// Over the network, to one of these endpoints.
    case network(endpoints: [String])
    /// Through the ssh connection itself: the socket `remote`, made there by sshd, leads to the socket `local` here.
    case tunnel(remote: String, local: String)

    /// The options of the worker command that say so.
    var workerArguments: [String] {
        switch self {
        case .network(let endpoints): ["--connect", endpoints.joined(separator: ",")]
        case .tunnel(let remote, _): ["--connect", "ipc://\(remote)", "--removes-socket"]
        }
    }

    /// The route of a start of a host: sshd does not replace the socket of an earlier one, and two hosts may be one machine.
    func named(_ name: String) -> HostRoute {
        guard case .tunnel(let remote, let local) = self else { return self }
        return .tunnel(remote: "\(remote)-\(name)", local: local)
    }
}

package import LockstepCluster

/// The command line of an ssh client that runs a worker command on a host.
package struct SSHCommand: Sendable {
    /// The file of ssh's options for this command; nil: `~/.ssh/config` and /etc/ssh/ssh_config.
    package var configuration: String?
    /// The program on the other hosts.
    package var remote: String
    /// Arguments of the worker command, besides those below.
    package var workerArguments: [String]

    package init(configuration: String?, remote: String, workerArguments: [String]) {
        self.configuration = configuration
        self.remote = remote
        self.workerArguments = workerArguments
    }

    /// The way from a worker to the coordinator.
    package enum Route: Hashable, Sendable {
        /// Over the network, to one of these endpoints: `tcp://@ssh:PORT`, and this host's own addresses.
        case network(endpoints: [String])
        /// Through the ssh connection itself: the socket `remote`, made there by sshd, leads to the socket `local` here.
        case tunnel(remote: String, local: String)
    }

    /// The arguments of ssh.
    ///
    /// - Parameters:
    ///   - host: The host and its number of processes.
    ///   - route: How its workers reach the coordinator.
    ///   - deadlines: How long ssh waits for the host.
    /// - Returns: The arguments, without the program's name.
    package func arguments(for host: HostEntry, over route: Route, deadlines: Deadlines = Deadlines()) -> [String] {
        var options = configuration.map { ["-F", $0] } ?? []
        options += [
            // Never ask: there may be no terminal, and with several hosts it would not be clear which one asks.
            "-o", "BatchMode=yes",
            // A host that is down, or whose network is, ends the client.
            "-o", "ConnectTimeout=\(Int(deadlines.hostConnection))",
            "-o", "ServerAliveInterval=\(Int(deadlines.hostAlive))",
            "-o", "ServerAliveCountMax=\(deadlines.hostAliveQuestions)",
            "-T",
        ]
        var worker = ["worker", "--connect"]
        switch route {
        case .network(let endpoints):
            worker.append(endpoints.joined(separator: ","))
        case .tunnel(let remoteSocket, let localSocket):
            options += ["-o", "ExitOnForwardFailure=yes", "-R", "\(remoteSocket):\(localSocket)"]
            worker += ["ipc://\(remoteSocket)", "--removes-socket"]
        }
        worker += ["--keys", "-", "--processes", "\(host.processes)"] + workerArguments
        // The shell there sees one line. `exec` has it replaced by the worker, which then is sshd's own child.
        let line = (["exec", Self.quoted(remote)] + worker.map(Self.quoted)).joined(separator: " ")
        return options + [host.name, "--", line]
    }

    /// A word as every shell reads it back.
    static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20) || "_./:@,%+=~-".utf8.contains(byte)
        }
        guard !isPlain || word.isEmpty else { return word }
        return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }
}

package import LockstepCluster
package import LockstepSystem

/// The command line of an ssh client that runs a worker command on a host.
package struct SSHCommand: HostCommand {
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

    package var name: String { "ssh" }
    package var environment: [String: String?] { [:] }
    package var isOutlived: Bool { false }

    package func arguments(for host: HostEntry, over route: HostRoute, deadlines: Deadlines) -> [String] {
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
        if case .tunnel(let remoteSocket, let localSocket) = route {
            options += ["-o", "ExitOnForwardFailure=yes", "-R", "\(remoteSocket):\(localSocket)"]
        }
        let worker =
            ["worker"] + route.workerArguments + ["--keys", "-", "--processes", "\(host.processes)"] + workerArguments
        // The shell there sees one line. `exec` has it replaced by the worker, which then is sshd's own child.
        let line = (["exec", Self.quoted(remote)] + worker.map(Self.quoted)).joined(separator: " ")
        return options + [host.name, "--", line]
    }

    package func ending(_ client: ChildProcess.Exit) -> ChildProcess.Exit { client }

    package func failure(of host: String, _ ending: ChildProcess.Exit, lines: [String], version: String) -> HostFailure
    {
        HostFailure(host: host, ending: ending, lines: lines, remote: remote, version: version)
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

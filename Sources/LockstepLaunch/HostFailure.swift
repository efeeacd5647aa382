package import LockstepSystem
import LockstepText

/// Why a host takes no part in a run: one line that names it, and the remedy.
package struct HostFailure: Error, Hashable, CustomStringConvertible {
    package let host: String
    package let reason: String

    package var description: String { "\(host): \(reason)" }

    init(host: String, reason: String) {
        (self.host, self.reason) = (host, reason)
    }

    /// Explains the end of an ssh client.
    ///
    /// - Parameters:
    ///   - host: The host.
    ///   - ending: How the client ended: with 255, or with the status of the remote command.
    ///   - lines: What client and remote command have printed last.
    ///   - remote: The program that was to run there.
    ///   - version: The version of this program.
    package init(host: String, ending: ChildProcess.Exit, lines: [String], remote: String, version: String) {
        let reason =
            switch ending {
            case .exited(255): Self.connectionReason(host, lines)
            case .exited(let code): Self.programReason(code, lines, remote: remote, version: version)
            case .signalled: "ssh ended with \(ending)"
            }
        self.init(host: host, reason: reason)
    }

    /// Why ssh itself has failed.
    private static func connectionReason(_ host: String, _ lines: [String]) -> String {
        func line(_ texts: String...) -> String? {
            lines.last { line in texts.contains { line.contains($0) } }?.printable
        }
        if line("Host key verification failed") != nil {
            return lines.contains { $0.contains("IDENTIFICATION HAS CHANGED") }
                ? "its host key has changed: if that is right, ssh-keygen -R \(host), then ssh \(host) once by hand"
                : "its host key is not known here: connect once by hand: ssh \(host)"
        }
        if let line = line("Permission denied", "Too many authentication failures") {
            return "ssh needs a key that works without questions (\(line)): ssh-copy-id \(host), or ssh-add"
        }
        if let line = line("Could not resolve hostname") {
            return "\(line): check the name, or define it in ~/.ssh/config"
        }
        if let line = line("forwarding failed", "cannot be forwarded") {
            return "sshd there does not forward sockets (\(line)): allow it (AllowStreamLocalForwarding), or leave "
                + "--tunnel out"
        }
        if let line = line("Connection refused", "timed out", "No route to host", "Network is unreachable") {
            return "\(line): is it up, and does sshd listen there?"
        }
        if let line = line("not responding", "Connection reset", "Connection closed", "Broken pipe") {
            return "the connection was lost (\(line))"
        }
        return "ssh failed: " + (lines.last?.printable ?? "it printed no reason; try ssh \(host)")
    }

    /// Why the worker command there has failed.
    private static func programReason(_ code: Int32, _ lines: [String], remote: String, version: String) -> String {
        let own = lines.last { $0.contains("lockstep: ") } ?? lines.last
        let line = own?.printable ?? "it printed no reason"
        switch code {
        case 126, 127:
            return "there is no program \(remote.printableName) there that can run (\(line)): install lockstep "
                + "\(version), or name its path with --remote PATH"
        case 64:
            return "lockstep there does not understand this version's command line (\(line)): install lockstep "
                + version
        case 69 where line.contains("no coordinator answered"):
            return "its workers do not reach this host (\(line)): open the port, give --advertise HOST, or --tunnel"
        default:
            return "its workers ended with exit status \(code): \(line)"
        }
    }
}

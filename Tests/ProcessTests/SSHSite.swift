import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// A coordinator's host and other hosts with an sshd each, which ssh reaches as `one`, `two` and `three`, and a run.
final class SSHSite {
    static let names = ["one", "two", "three"]
    private static let server = "/usr/sbin/sshd"
    private static let client = "/usr/bin/ssh"

    /// Why the tests cannot run here; nil if they can.
    static let isAvailable =
        NetworkNamespace.isAvailable && access(server, X_OK) == 0 && access(client, X_OK) == 0
        && access("/usr/bin/ssh-keygen", X_OK) == 0

    let folder: TemporaryFolder
    let home: NetworkNamespace
    let hosts: [NetworkNamespace]
    let links: [NetworkLink]
    private(set) var servers: [RunningProcess] = []
    private let options: [String]
    /// The value of ``markVariable`` in the processes that sshd starts on each host.
    private let marks = names.map { _ in UUID().uuidString }
    private static let markVariable = "LOCKSTEP_TEST_HOST"

    /// - Parameters:
    ///   - epochs: The number of epochs.
    ///   - isSlow: Whether each worker takes some milliseconds longer for each node, so that a fault happens while it computes.
    ///   - serverOptions: More lines of each sshd's configuration.
    /// - Throws: An error if there are no namespaces, or an sshd does not start.
    init(epochs: Int = 2, isSlow: Bool = false, serverOptions: String = "") throws {
        folder = try Workplace(epochs: epochs).folder
        options = ["tiny.yaml", "--kernel", "portable", "--shards", "4"]
        let (home, hosts) = (try NetworkNamespace(), try Self.names.map { _ in try NetworkNamespace() })
        self.home = home
        self.hosts = hosts
        links = try hosts.enumerated().map { try NetworkLink(number: $0 + 1, from: home, to: $1) }
        // sshd refuses to start without its folder.
        mkdir("/run/sshd", 0o755)
        try makeKey("identity")
        try folder.write(bytes(of: folder("identity.pub")), to: "authorized")
        var (known, configuration) = ("", "")
        for (index, name) in Self.names.enumerated() {
            try makeKey("host-\(name)")
            let key = try text(of: folder("host-\(name).pub")).split(separator: " ").prefix(2).joined(separator: " ")
            known += "\(links[index].farAddress) \(key)\n"
            configuration += "Host \(name)\n  HostName \(links[index].farAddress)\n"
            try folder.write(
                text: """
                    Port 22
                    ListenAddress \(links[index].farAddress)
                    HostKey \(folder("host-\(name)"))
                    AuthorizedKeysFile \(folder("authorized"))
                    PidFile none
                    PermitRootLogin prohibit-password
                    PasswordAuthentication no
                    KbdInteractiveAuthentication no
                    UsePAM no
                    StrictModes no
                    SetEnv LOCKSTEP_CACHE=\(folder("cache-\(name)")) \(Self.markVariable)=\(marks[index]) \(isSlow ? "LOCKSTEP_FAULT=slow=4" : "A=b")
                    \(serverOptions)

                    """, to: "sshd-\(name)")
        }
        try folder.write(text: known, to: "known")
        try folder.write(
            text: configuration + """
                Host *
                  User root
                  IdentityFile \(folder("identity"))
                  IdentitiesOnly yes
                  UserKnownHostsFile \(folder("known"))
                  GlobalKnownHostsFile none

                """, to: "ssh-config")
        for index in hosts.indices { servers.append(try startServer(index)) }
    }

    private func makeKey(_ name: String) throws {
        let made = try Program.run(
            ["-q", "-t", "ed25519", "-N", "", "-f", folder(name)], executable: "/usr/bin/ssh-keygen")
        try #require(made.status == 0, "\(made)")
    }

    private func startServer(_ index: Int) throws -> RunningProcess {
        let process = try RunningProcess(
            ["-D", "-e", "-f", folder("sshd-\(Self.names[index])")], executable: Self.server, on: hosts[index])
        // sshd ends its lines with a carriage return too.
        try process.wait(until: "sshd listens") { process.errors.contains("Server listening") }
        return process
    }

    /// The run without workers, in one process.
    func alone() throws -> RunSummary {
        let run = try Program.run(["train", "--output", "alone"] + options, in: folder.path)
        try #require(run.status == 0, "\(run)")
        return try RunSummary(run: folder("alone"))
    }

    /// Starts `lockstep train` on the coordinator's host.
    func train(hosts: String, _ more: [String] = [], remote: String? = nil) throws -> RunningProcess {
        try RunningProcess(
            ["train"] + options
                + [
                    "--output", "run", "--hosts", hosts, "--ssh-config", "ssh-config", "--remote",
                    try remote ?? Program.path,
                ] + more, in: folder.path, on: home)
    }

    /// The worker commands of a host, and their processes.
    func workers(of host: Int) -> [Int32] {
        ProcessTable.processes(with: Self.markVariable, marks[host])
            .filter { ProcessTable.arguments(of: $0).contains("worker") }
    }

    /// Those of all hosts.
    var workers: [Int32] { hosts.indices.flatMap { workers(of: $0) } }

    /// Kills the processes of sshd that serve a host's connections: the server itself goes on.
    func killSessions(of host: Int) throws {
        for worker in workers(of: host) {
            let status = try text(of: "/proc/\(worker)/status").split(separator: "\n")
            guard let line = status.first(where: { $0.hasPrefix("PPid:") }),
                let parent = line.split(separator: "\t").last.flatMap({ Int32($0) }),
                ProcessTable.arguments(of: parent).first?.hasPrefix("sshd:") == true
            else { continue }
            kill(parent, SIGKILL)
        }
    }

    deinit {
        for worker in workers { kill(worker, SIGKILL) }
    }

    /// Waits until no process of a run is left on any host, nor a socket of a tunnel.
    func expectNothingLeft(_ run: RunningProcess) throws {
        #expect(run.orphans().isEmpty)
        try servers[0].wait(until: "the workers have ended", limit: .seconds(30)) { workers.isEmpty }
    }

    /// Waits for the end, and compares with the undisturbed run.
    @discardableResult
    func conclude(_ run: RunningProcess, as alone: RunSummary) throws -> RunSummary {
        let ending = try run.wait()
        #expect(ending.status == 0, "\(ending)")
        let summary = try RunSummary(run: folder("run"))
        #expect(summary.weightsSHA256 == alone.weightsSHA256, "\(ending)")
        #expect(summary.epochs.map(\.weightsSHA256) == alone.epochs.map(\.weightsSHA256))
        try expectNothingLeft(run)
        return summary
    }
}

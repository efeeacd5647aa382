import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// Host names whose addresses are of one family or of both, in a mount namespace with a file of hosts.
@Suite(
    "Host names", .serialized,
    .enabled(if: NetworkNamespace.isAvailable && access("/proc/net/if_inet6", R_OK) == 0, "needs root and IPv6"))
struct HostNameTests {
    private let place: Workplace

    init() throws {
        place = try Workplace(epochs: 1)
        try place.folder.write(
            text: """
                127.0.0.1 localhost four both
                ::1 six both
                192.0.2.1 elsewhere both-sides
                127.0.0.1 both-sides

                """, to: "hosts")
    }

    /// Starts `lockstep` where these hosts are known.
    ///
    /// - Parameters:
    ///   - arguments: The arguments.
    ///   - isElsewhere: Whether it has a network of its own, and there the address of `elsewhere`.
    /// - Returns: The process.
    /// - Throws: An error if it does not start.
    private func lockstep(_ arguments: [String], isElsewhere: Bool = false) throws -> RunningProcess {
        var commands = ["PATH=$PATH:/usr/sbin:/sbin", "mount --bind \(place.folder("hosts")) /etc/hosts"]
        if isElsewhere { commands += ["ip link set lo up", "ip address add 192.0.2.1/32 dev lo"] }
        let line = (commands + [#"exec "$0" "$@""#]).joined(separator: " && ")
        return try RunningProcess(
            ["--mount"] + (isElsewhere ? ["--net"] : []) + ["/bin/sh", "-c", line, try Program.path] + arguments,
            executable: "/usr/bin/unshare", in: place.folder.path)
    }

    @Test(
        "A worker, status and doctor reach a coordinator by a name with addresses of either family or of both",
        arguments: [
            ("six", "six"), ("both", "six"), ("both", "four"), ("six", "both"), ("localhost", "four"),
            ("four", "localhost"),
        ])
    func reached(name: String, bound: String) throws {
        let run = try lockstep([
            "coordinator", "tiny.yaml", "--workers", "1", "--kernel", "portable", "--bind", "tcp://\(bound):0",
            "--output", "run",
        ])
        let port = try #require(try run.listeningEndpoint().split(separator: ":").last)
        let endpoint = "tcp://\(name):\(port)"
        let status = try lockstep(["status", endpoint]).wait()
        #expect(status.status == 0, "\(status)")
        let doctor = try lockstep(["doctor", "--connect", endpoint]).wait()
        #expect(doctor.status == 0, "\(doctor)")
        let worker = try lockstep(["worker", "--connect", endpoint])
        let ending = try run.wait()
        #expect(ending.status == 0, "\(ending)")
        #expect(try worker.wait().status == 0)
    }

    @Test("A name with an address that other hosts can reach needs keys", arguments: ["elsewhere", "both-sides"])
    func rule(name: String) throws {
        let run = try lockstep(
            ["coordinator", "tiny.yaml", "--workers", "1", "--bind", "tcp://\(name):0"], isElsewhere: true)
        let ending = try run.wait()
        #expect(ending.status == 64 && ending.errors.contains("192.0.2.1"), "\(ending)")
        #expect(ending.errors.contains("--insecure"), "\(ending)")
    }

    @Test("A name that cannot be resolved is named, before any work starts")
    func unknown() throws {
        let run = try lockstep(["coordinator", "tiny.yaml", "--workers", "1", "--bind", "tcp://nowhere.invalid:0"])
        let ending = try run.wait()
        #expect(
            ending.status == 69 && ending.errors.contains("the name nowhere.invalid cannot be resolved"), "\(ending)")
    }
}

import Foundation
import Glibc
import LockstepSystem
import LockstepTimeline

/// A simulated host: a network namespace. It ends with its last reference, or with this process.
///
/// Needs root, util-linux (`unshare`, `nsenter`) and iproute2 (`ip`, `tc`): ``isAvailable``.
package final class NetworkNamespace: Sendable {
    /// Keeps the namespace alive: `cat`, which ends when its standard input ends.
    private let holder: ChildProcess

    /// Why a namespace cannot be made, or why a command in it failed.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Whether namespaces with rate-limited links can be made here. It is tried once.
    package static let isAvailable: Bool = {
        do {
            let (near, far) = (try NetworkNamespace(), try NetworkNamespace())
            try NetworkLink(number: 1, from: near, to: far).limit(.both, rate: "1gbit")
            return true
        } catch {
            return false
        }
    }()

    /// Makes a namespace that has only a loopback interface.
    package init() throws {
        holder = try ChildProcess(
            ChildProcess.Command(executable: "/usr/bin/unshare", arguments: ["--net", "/bin/cat"]))
        let own = try Self.name(of: "self")
        let deadline = Deadline.after(.seconds(30))
        // Until `unshare` has done its work it shows the namespace of this process.
        while try Self.name(of: "\(holder.processID)") == own {
            guard holder.reap() == nil, !deadline.hasPassed(at: Instant.now) else {
                throw Failure(description: "no network namespace can be made: it needs root")
            }
            usleep(1_000)
        }
        try run("ip link set dev lo up")
    }

    /// Its file, for nsenter(1).
    var path: String { "/proc/\(holder.processID)/ns/net" }
    /// A process in it, for ip-link(8).
    var processID: Int32 { holder.processID }

    /// The command line that runs a program in it.
    func command(running program: String, _ arguments: [String]) -> (program: String, arguments: [String]) {
        ("/usr/bin/nsenter", ["--net=\(path)", program] + arguments)
    }

    /// Runs a line of the shell in the namespace, and waits for its end.
    ///
    /// - Parameter line: Such as `ip link set dev uplink down`.
    /// - Throws: ``Failure`` with its output if it fails; ``RunningProcess/Failure`` if it does not start or end.
    package func run(_ line: String) throws {
        let result = try RunningProcess(
            ["-ec", "PATH=$PATH:/usr/sbin:/sbin; \(line)"], executable: "/bin/sh", on: self
        ).wait(limit: .seconds(60))
        guard result.status == 0 else { throw Failure(description: "\(line): \(result.output)\(result.errors)") }
    }

    /// The kernel's name of the namespace of a process.
    private static func name(of process: String) throws -> String {
        try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/net")
    }
}

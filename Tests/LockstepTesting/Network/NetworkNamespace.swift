import Foundation
import Glibc
import LockstepSystem

/// A host of its own as far as the network goes: a network namespace, gone with the last reference to it, or with this
/// process.
///
/// Needs root, util-linux (`unshare`, `nsenter`) and iproute2 (`ip`, `tc`): ``isAvailable``.
package final class NetworkNamespace: Sendable {
    /// Holds the namespace: `cat`, which ends when its standard input does.
    private let holder: ChildProcess

    /// Why there is no such thing here.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Whether namespaces with links of a limited rate can be made here: tried once.
    package static let isAvailable: Bool = {
        do {
            let (near, far) = (try NetworkNamespace(), try NetworkNamespace())
            try NetworkLink(number: 1, from: near, to: far).limit(rate: "1gbit")
            return true
        } catch {
            return false
        }
    }()

    /// Makes a namespace with a loopback interface and nothing else.
    package init() throws {
        holder = try ChildProcess(
            ChildProcess.Command(executable: "/usr/bin/unshare", arguments: ["--net", "/bin/cat"]))
        let own = try Self.name(of: "self")
        let deadline = Deadline.after(.seconds(30))
        // Until `unshare` has done its work it shows the namespace of this process.
        while try Self.name(of: "\(holder.processID)") == own {
            guard holder.reap() == nil, !deadline.hasPassed(at: MonotonicClock.now) else {
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

    /// Runs a line of the shell in it, to its end.
    ///
    /// - Parameter line: Such as `ip link set dev uplink down`.
    /// - Throws: ``Failure`` with what it said if it fails; `SystemError` if it does not start.
    package func run(_ line: String) throws {
        let (program, arguments) = command(running: "/bin/sh", ["-ec", "PATH=$PATH:/usr/sbin:/sbin; \(line)"])
        let folder = try TemporaryFolder()
        let output = open(folder("output"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(output) }
        let process = try ChildProcess(
            ChildProcess.Command(executable: program, arguments: arguments, output: .file(output)))
        guard process.wait(until: .after(.seconds(60)))?.isSuccess == true else {
            throw Failure(description: "\(line): \(try text(of: folder("output")))")
        }
    }

    /// What the kernel calls the namespace of a process.
    private static func name(of process: String) throws -> String {
        try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/net")
    }
}

import Foundation
import LockstepText

/// What `lockstep doctor` finds out about this host.
struct DoctorReport: Encodable {
    /// The measured connection to a coordinator.
    struct Link: Encodable {
        let endpoint: String
        let roundTripSeconds: Double
        let uploadBytesPerSecond: Double
        let downloadBytesPerSecond: Double
    }

    let programVersion: String
    let host: String
    let cores: Int
    let libzmq: String
    let hasCurve: Bool
    var kernels: [String] = []
    /// The kernel that `auto` stands for.
    var bestKernel: String?
    /// The library that computes.
    var compute: String?
    var openFiles = 0
    /// Bytes of address space; nil: no limit.
    var addressSpaceLimit: Int?
    var cache = ""
    var link: Link?
    /// What must be mended, each with its remedy.
    var problems: [String] = []

    /// A line for each thing.
    var lines: [String] {
        var lines: [String] = []
        func add(_ name: String, _ value: String?) {
            guard let value else { return }
            lines.append(name + String(repeating: " ", count: 13 - name.count) + value)
        }
        add("lockstep", programVersion)
        add("host", "\(host), \(counted(cores, "core"))")
        add("libzmq", "\(libzmq), \(hasCurve ? "with" : "without") CURVE")
        let best = bestKernel.map { "; auto is \($0)" } ?? ""
        add("kernels", kernels.joined(separator: ", ") + best)
        add("compute", compute)
        add("open files", grouped(openFiles))
        add("memory", addressSpaceLimit.map { "limited to \(grouped($0)) bytes (ulimit -v)" })
        add("cache", cache)
        guard let link else { return lines }
        let (up, down) = (decimal(link.uploadBytesPerSecond / 1e6, 1), decimal(link.downloadBytesPerSecond / 1e6, 1))
        add("link", link.endpoint)
        add("round trip", milliseconds(link.roundTripSeconds))
        add("bandwidth", "\(up) MB/s there, \(down) MB/s back")
        return lines
    }

    /// The same for programs.
    func json() throws -> String { try JSONEncoder.sorted(indented: true, inSnakeCase: true).text(self) }
}

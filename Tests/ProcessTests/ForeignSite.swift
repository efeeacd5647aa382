import Foundation
import Glibc
import LockstepArtifacts
import LockstepSystem
import LockstepTesting
import Testing

/// A run on a tiny data set, in a folder with two pairs of keys.
final class ForeignSite {
    let folder: TemporaryFolder
    let steps: Int

    init(epochs: Int = 40) throws {
        folder = try Workplace(epochs: epochs).folder
        try Program.run(["keygen", folder("keys")], in: folder.path)
        steps = epochs * 50
    }

    /// The hash of the run without workers and without foreign clients.
    func undisturbed() throws -> String {
        let run = try Program.run(
            ["train", "tiny.yaml", "--shards", "2", "--output", "alone", "--kernel", "portable"], in: folder.path)
        #expect(run.status == 0, "\(run)")
        return try RunSummary(run: folder("alone")).weightsSHA256
    }

    /// Deletes the coordinator's run directory, for another run with the same path.
    func deleteRun() throws {
        try FileManager.default.removeItem(atPath: folder("run"))
    }

    /// Starts a coordinator. Returns it and its endpoints.
    func coordinator(_ options: [String], openFiles: Int? = nil) throws -> (RunningProcess, [String]) {
        let process = try RunningProcess(
            ["coordinator", "tiny.yaml", "--shards", "2", "--output", "run", "--kernel", "portable"] + options,
            in: folder.path, openFiles: openFiles)
        let endpointCount = options.count { $0 == "--bind" }
        return (process, try (1...endpointCount).map(process.listeningEndpoint))
    }

    func worker(_ endpoint: String, keys: String? = nil, fault: String? = nil) throws -> RunningProcess {
        try RunningProcess(
            ["worker", "--connect", endpoint] + (keys.map { ["--keys", $0] } ?? []),
            environment: ["LOCKSTEP_FAULT": fault], in: folder.path)
    }
}

/// The Python programs that act as foreign clients.
enum Foreign {
    static var python: String? { getenv("LOCKSTEP_ORACLE_PYTHON").map { String(cString: $0) } }

    private static func requirePython() throws -> String { try #require(python) }

    static func number(_ variable: String) -> Int? { getenv(variable).flatMap { Int(String(cString: $0)) } }

    /// Starts an attack of foreign.py, or of another script in its folder.
    static func start(_ arguments: String..., script: String = "foreign.py") throws -> RunningProcess {
        try RunningProcess(["\(Program.root)/Tests/Foreign/\(script)"] + arguments, executable: requirePython())
    }

    /// Runs an attack of foreign.py to its end. Returns how often it was accepted.
    static func attack(_ name: String, _ endpoint: String, _ keys: String, count: Int = 1) throws -> Int {
        let output = try run([name, endpoint, keys, "\(count)"], limit: .seconds(300 + count / 100))
        let last = output.split(separator: "\n").last?.split(separator: " ").last
        return try #require(last.flatMap { Int($0) }, "\(name) said: \(output)")
    }

    /// Runs a script to its end. Returns its output.
    ///
    /// The script has deadlines of its own; `limit` only ends a test that hangs.
    static func run(
        _ arguments: [String], script: String = "foreign.py", limit: Duration = .seconds(120)
    ) throws -> String {
        let result = try Program.run(
            ["\(Program.root)/Tests/Foreign/\(script)"] + arguments, executable: requirePython(), limit: limit)
        return result.output + result.errors
    }
}

/// Memory of another process, in bytes: proc(5).
enum ProcessMemory {
    /// The memory that is resident now.
    static func resident(_ process: Int32) throws -> Int { try field("VmRSS:", of: process) }

    /// The most that has been resident since the last ``resetPeak(_:)``.
    static func peak(_ process: Int32) throws -> Int { try field("VmHWM:", of: process) }

    static func resetPeak(_ process: Int32) throws {
        let file = open("/proc/\(process)/clear_refs", O_WRONLY | O_CLOEXEC)
        defer { close(file) }
        try #require(write(file, "5", 1) == 1)
    }

    private static func field(_ name: String, of process: Int32) throws -> Int {
        let line = try text(of: "/proc/\(process)/status").split(separator: "\n").first { $0.hasPrefix(name) }
        return 1024 * (line?.split(separator: " ").compactMap { Int($0) }.first ?? 0)
    }
}

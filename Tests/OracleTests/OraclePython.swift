import Foundation
import Testing

/// The Python with the packages of scripts/support/oracles.txt, which scripts/test prepares.
enum OraclePython {
    /// nil where nobody has prepared one.
    static let path: String? = {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["LOCKSTEP_CACHE"] ?? (environment["HOME"].map { $0 + "/.cache/lockstep" } ?? "")
        let candidates = [environment["LOCKSTEP_ORACLE_PYTHON"], cache + "/oracles/bin/python"].compactMap { $0 }
        return candidates.first(where: FileManager.default.isExecutableFile(atPath:))
    }()

    /// Runs a program in it; its standard output.
    static func run(_ program: String, _ arguments: [String] = []) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(path))
        process.arguments = ["-c", program] + arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(status: process.terminationStatus) }
        return text
    }

    /// Whether these modules can be imported.
    static func has(_ modules: String) -> Bool {
        path != nil && (try? run("import \(modules)")) != nil
    }

    /// What the program said stands on standard error.
    struct Failure: Error {
        let status: Int32
    }
}

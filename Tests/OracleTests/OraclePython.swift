import Foundation
import LockstepTesting
import Testing

/// The Python with the packages of scripts/support/oracles.txt, which scripts/test prepares.
enum OraclePython {
    /// Nil where it has not been prepared.
    static let path: String? = {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["LOCKSTEP_CACHE"] ?? (environment["HOME"].map { $0 + "/.cache/lockstep" } ?? "")
        let candidates = [environment["LOCKSTEP_ORACLE_PYTHON"], cache + "/oracles/bin/python"].compactMap { $0 }
        return candidates.first(where: FileManager.default.isExecutableFile(atPath:))
    }()

    /// Runs a program in it; its standard output.
    static func run(_ program: String, _ arguments: [String] = []) throws -> String {
        let path = try #require(path)
        let result = try Program.run(
            ["-c", program] + arguments, executable: path, limit: .seconds(600))
        guard result.status == 0 else { throw Failure(description: "\(result)") }
        return result.output
    }

    /// Whether these modules can be imported.
    static func has(_ modules: String) -> Bool {
        path != nil && (try? run("import \(modules)")) != nil
    }

    /// The status and the outputs of a program that failed.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }
}

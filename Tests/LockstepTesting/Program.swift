import Foundation
package import LockstepArtifacts
import LockstepSystem

/// The built executable `lockstep`, which lies beside the test binary.
package enum Program {
    package static var path: String {
        get throws {
            let test = try Host.executablePath
            return test.prefix(through: test.lastIndex(of: "/") ?? test.startIndex) + "lockstep"
        }
    }

    /// The repository's root, from this file's place in it.
    package static let root = String(#filePath.dropLast("/Tests/LockstepTesting/Program.swift".count))

    /// Runs a program to its end.
    ///
    /// - Parameters:
    ///   - arguments: Without the program's name.
    ///   - executable: The program's absolute path; nil: the built `lockstep`.
    ///   - environment: Variables to add or to replace; nil removes one.
    ///   - folder: The working directory.
    ///   - limit: The most time that it may take. It is generous: it only ends a test that hangs.
    /// - Returns: How the process ended, and its output.
    /// - Throws: ``RunningProcess/Failure`` if it does not start, or does not end in time.
    @discardableResult
    package static func run(
        _ arguments: [String], executable: String? = nil, environment: [String: String?] = [:],
        in folder: String = root, limit: Duration = .seconds(120)
    ) throws -> FinishedProcess {
        try RunningProcess(arguments, executable: executable, environment: environment, in: folder).wait(limit: limit)
    }
}

/// How a process ended, and its output.
package struct FinishedProcess: CustomStringConvertible {
    /// The program's name.
    private let name: String
    package let arguments: [String]
    /// The exit status; nil if a signal ended it.
    package let status: Int32?
    /// The signal that ended it.
    package let signal: Int32?
    package let output: String
    package let errors: String

    init(name: String, arguments: [String], exit: ChildProcess.Exit?, output: String, errors: String) {
        self.name = name
        self.arguments = arguments
        self.output = output
        self.errors = errors
        switch exit {
        case .exited(let code): (status, signal) = (code, nil)
        case .signalled(let number): (status, signal) = (nil, number)
        case nil: (status, signal) = (nil, nil)
        }
    }

    /// Lines of standard error.
    package var errorLines: [String] { errors.split(separator: "\n").map(String.init) }

    package var description: String {
        let ending = status.map { "exit status \($0)" } ?? "signal \(signal ?? 0)"
        return "\(name) \(arguments.joined(separator: " ")): \(ending)\n\(output)\(errors)"
    }
}

extension RunSummary {
    /// Reads the `summary.json` of a run directory.
    package init(run directory: String) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(bytes(of: "\(directory)/summary.json")))
    }
}

import CLinux
import Glibc
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

    /// Runs it to its end.
    ///
    /// - Parameters:
    ///   - arguments: Without the program's name.
    ///   - environment: Variables to add or to replace; nil removes one.
    ///   - folder: The working directory.
    ///   - limit: How long it may take at most: generous, for it only ends a test that hangs.
    /// - Returns: How it ended and what it said.
    /// - Throws: ``RunningProcess/Failure`` if it does not start, or not end in time.
    @discardableResult
    package static func run(
        _ arguments: [String], environment: [String: String?] = [:], in folder: String = root,
        limit: Duration = .seconds(120)
    ) throws -> FinishedProcess {
        try RunningProcess(arguments, environment: environment, in: folder).wait(limit: limit)
    }
}

/// How a process ended and what it said.
package struct FinishedProcess: CustomStringConvertible {
    package let arguments: [String]
    /// The exit status; nil if a signal ended it.
    package let status: Int32?
    /// The signal that ended it.
    package let signal: Int32?
    package let output: String
    package let errors: String

    init(arguments: [String], exit: ChildProcess.Exit?, output: String, errors: String) {
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
        return "lockstep \(arguments.joined(separator: " ")): \(ending)\n\(output)\(errors)"
    }
}

import Foundation
import Glibc
import LockstepSystem
import LockstepText

/// Writes text for people: results to standard output, everything else to standard error.
struct Console: Sendable {
    enum Verbosity: Sendable {
        case quiet, normal, verbose
    }

    /// A line of text, and what it is.
    enum Line: Hashable, Sendable {
        case result(String)
        case info(String)
        case detail(String)
        case warning(String)
    }

    let verbosity: Verbosity
    /// Whether standard error is a terminal that can redraw a line.
    let isTerminal = isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"

    /// Prints a line where it belongs.
    func print(_ line: Line) {
        switch line {
        case .result(let text): result(text)
        case .info(let text): info(text)
        case .detail(let text): detail(text)
        case .warning(let text): warning(text)
        }
    }

    /// Prints a result: data that a script may read.
    func result(_ line: String) {
        clearProgress()
        Self.write(line + "\n", to: STDOUT_FILENO)
    }

    /// Prints what happens, unless `--quiet` was given.
    func info(_ line: String) {
        guard verbosity != .quiet else { return }
        clearProgress()
        Self.write("\(Self.printable(line))\n", to: STDERR_FILENO)
    }

    /// Prints a detail, if `--verbose` was given.
    func detail(_ line: String) {
        guard verbosity == .verbose else { return }
        info(line)
    }

    /// Prints something that went wrong without ending the run.
    func warning(_ line: String) {
        clearProgress()
        Self.write("lockstep: \(Self.printable(line))\n", to: STDERR_FILENO)
    }

    /// Redraws the progress line. It exists on a terminal only.
    func progress(_ line: String) {
        guard isTerminal, verbosity != .quiet else { return }
        Self.write("\r\u{1B}[2K\(line)", to: STDERR_FILENO)
    }

    private func clearProgress() {
        if isTerminal, verbosity != .quiet { Self.write("\r\u{1B}[2K", to: STDERR_FILENO) }
    }

    /// Prints the error that ends this process.
    static func printError(_ message: String) {
        write("lockstep: \(printable(message))\n", to: STDERR_FILENO)
    }

    /// Escapes everything except line breaks that a terminal would act on: a text may quote a peer, a file or a user.
    static func printable(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.printable(limit: 4_000) }
            .joined(separator: "\n")
    }

    /// Writes all of a text. Errors are ignored: an output without a reader does not end the process.
    private static func write(_ text: String, to descriptor: Int32) {
        try? Array(text.utf8).withUnsafeBytes { try LockstepSystem.write($0, to: descriptor) }
    }
}

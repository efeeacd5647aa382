import Foundation
import Glibc
import LockstepSystem
import LockstepText
import LockstepTimeline

/// Writes text for people: results to standard output, everything else to standard error.
///
/// What a run prints goes through a thread of its own: a reader that is slow, stopped or gone has no effect on the run.
/// What a command was asked for (``output(_:)``) is written by the caller, who learns of failures.
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

    private static let writer = BackgroundWriter()

    /// Prints a line where it belongs.
    func print(_ line: Line) {
        switch line {
        case .result(let text): result(text)
        case .info(let text): info(text)
        case .detail(let text): detail(text)
        case .warning(let text): warning(text)
        }
    }

    /// Prints a result of a run: data that a script may read. A failure has no effect on the run (see ``finish(after:)``).
    func result(_ line: String) {
        clearProgress()
        Self.writer.write(line + "\n", to: STDOUT_FILENO)
    }

    /// Prints a line that the command was asked for.
    ///
    /// - Throws: ``OutputError`` if it cannot be written.
    func output(_ line: String) throws(OutputError) {
        try output(CollectionOfOne(line))
    }

    /// Prints lines that the command was asked for, in large blocks. Paths in them have the bytes that were given.
    ///
    /// - Throws: ``OutputError`` if they cannot be written.
    func output(_ lines: some Sequence<String>) throws(OutputError) {
        clearProgress()
        // What was printed before stands before it.
        Self.writer.flush(until: .after(.seconds(Self.hurriedFlushSeconds)), waitsForReaders: false)
        Self.writer.flush(until: .never, only: STDOUT_FILENO)
        let blockSize = 1 << 16
        var block: [UInt8] = []
        for line in lines {
            block += line.pathBytes
            block.append(UInt8(ascii: "\n"))
            guard block.count >= blockSize else { continue }
            try OutputError.write(block)
            block.removeAll(keepingCapacity: true)
        }
        try OutputError.write(block)
    }

    /// Prints what happens, unless `--quiet` was given.
    func info(_ line: String) {
        guard verbosity != .quiet else { return }
        clearProgress()
        Self.writer.write("\(Self.printable(line))\n", to: STDERR_FILENO)
    }

    /// Prints a line of another process, which has decided whether to print it.
    func relay(_ line: String) {
        clearProgress()
        Self.writer.write("\(Self.printable(line))\n", to: STDERR_FILENO)
    }

    /// Prints a detail, if `--verbose` was given.
    func detail(_ line: String) {
        guard verbosity == .verbose else { return }
        info(line)
    }

    /// Prints something that went wrong without ending the run.
    func warning(_ line: String) {
        clearProgress()
        Self.writer.write("lockstep: \(Self.printable(line))\n", to: STDERR_FILENO)
    }

    /// Redraws the progress line. It exists on a terminal only.
    func progress(_ line: String) {
        guard isTerminal, verbosity != .quiet else { return }
        Self.writer.write("\r\u{1B}[2K\(line)", to: STDERR_FILENO, isOptional: true)
    }

    private func clearProgress() {
        if isTerminal, verbosity != .quiet { Self.writer.write("\r\u{1B}[2K", to: STDERR_FILENO) }
    }

    /// Prints the error that ends this process.
    static func printError(_ message: String) {
        writer.write("lockstep: \(printable(message))\n", to: STDERR_FILENO)
    }

    /// The path of an output as a user gives it: `-` is standard output.
    static func path(_ argument: String) -> String { argument == "-" ? "/dev/stdout" : argument }

    /// Whether a path leads to standard output, which then holds nothing else.
    static func isStandardOutput(_ path: String) -> Bool { OutputPath(path) == .descriptor(STDOUT_FILENO) }

    /// Escapes everything except line breaks that a terminal would act on: a text may quote a peer, a file or a user.
    static func printable(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.printable(limit: 4_000) }
            .joined(separator: "\n")
    }
}

// MARK: - The end

extension Console {
    /// Seconds that the last lines are waited for at the end of a command.
    private static let flushSeconds = 5.0
    /// The same after a signal, whose sender does not wait long.
    private static let hurriedFlushSeconds = 1.0

    /// Writes what still waits, within a deadline.
    ///
    /// - Parameter isHurried: Whether a signal has asked the process to end.
    static func flush(isHurried: Bool) {
        writer.flush(until: .after(.seconds(isHurried ? hurriedFlushSeconds : flushSeconds)))
    }

    /// Writes what still waits, and says if lines of standard output are lost.
    ///
    /// - Parameter status: The status that the command ends with; nil: it has succeeded.
    /// - Returns: The status to exit with: a success becomes a failure if a write failed, but not if nothing reads the
    ///   output.
    static func finish(after status: ExitStatus?) -> ExitStatus? {
        let isHurried = if case .signal = status { true } else { false }
        flush(isHurried: isHurried)
        let report = writer.report(on: STDOUT_FILENO)
        guard report.lostLines > 0 else { return status }
        let missing = counted(report.lostLines, "line")
        guard let code = report.failure else {
            printError("standard output was not read in time: \(missing) lost")
            writer.flush(until: .after(.seconds(hurriedFlushSeconds)))
            return status
        }
        let error = OutputError(code: code)
        guard !error.hasNoReader else { return status }
        printError("\(error); \(missing) lost")
        writer.flush(until: .after(.seconds(hurriedFlushSeconds)))
        return status ?? .inputOutput
    }
}

import Foundation
import Glibc

/// Where words for people go: results to standard output, everything else to standard error.
struct Console {
    enum Loudness {
        case quiet, normal, verbose
    }

    let loudness: Loudness
    /// Whether standard error is a terminal that can redraw a line.
    let isTerminal = isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    /// Whether colours are welcome: a terminal, and no NO_COLOR (no-color.org).
    var hasColor: Bool { isTerminal && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty }

    /// A result: data that a script may read.
    func result(_ line: String) {
        clearProgress()
        Self.write(line + "\n", to: STDOUT_FILENO)
    }

    /// What is going on, unless people asked for quiet.
    func note(_ line: String) {
        guard loudness != .quiet else { return }
        clearProgress()
        Self.write("\(line)\n", to: STDERR_FILENO)
    }

    /// Details, if people asked for them.
    func detail(_ line: String) {
        guard loudness == .verbose else { return }
        note(line)
    }

    /// Something that went wrong without ending the run.
    func warning(_ line: String) {
        clearProgress()
        Self.write("lockstep: \(line)\n", to: STDERR_FILENO)
    }

    /// Redraws the progress line; on anything but a terminal there is none.
    func progress(_ line: String) {
        guard isTerminal, loudness != .quiet else { return }
        Self.write("\r\u{1B}[2K\(line)", to: STDERR_FILENO)
    }

    private func clearProgress() {
        if isTerminal, loudness != .quiet { Self.write("\r\u{1B}[2K", to: STDERR_FILENO) }
    }

    /// The last words of a process that fails.
    static func complain(_ message: String) {
        write("lockstep: \(message)\n", to: STDERR_FILENO)
    }

    /// Writes all of a text; an output that nobody reads any more is no reason to fail.
    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = ArraySlice(Array(text.utf8))
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
    }
}

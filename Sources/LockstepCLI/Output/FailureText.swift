import Foundation
import Glibc
import LockstepArtifacts
import LockstepRuntime
import LockstepSystem
import LockstepText

/// The report about a run that failed, on standard error: the first cause in full, its consequences in short.
struct FailureText {
    /// In the order in which they happened; the first is the cause.
    let events: [FailureEvent]
    /// Further events, which were only counted.
    let omitted: Int

    /// Consequences that are listed; more are counted.
    private static let consequencesListed = 8

    /// The report, line by line; nothing if no cause is known.
    var lines: [String] {
        guard let cause = events.first else { return [] }
        var lines = ["first cause: \(time(of: cause)) \(cause.text)"]
        if !cause.logTail.isEmpty {
            lines.append("  its last log lines, \(cause.log.map { "in \($0)" } ?? "as it sent them"):")
            lines += cause.logTail.map { "    \($0)" }
        }
        let consequences = events.dropFirst()
        guard !consequences.isEmpty else { return lines }
        lines.append("  what followed:")
        lines += consequences.prefix(Self.consequencesListed).map { "    \(time(of: $0)) \($0.text)" }
        let more = consequences.count - Self.consequencesListed + omitted
        if more > 0 { lines.append("    and \(more) more") }
        return lines
    }

    private func time(of event: FailureEvent) -> String {
        let time = event.time.formatted(.iso8601.time(includingFractionalSeconds: true))
        return "at \(time)" + (event.step.map { " in step \(grouped(Int(clamping: $0)))" } ?? "")
    }
}

extension Console {
    private static let eventsPrefix = "lockstep-worker-"
    private static let eventsSuffix = ".events"

    /// Removes what workers wrote that failed more than a day ago.
    static func removeOldEvents(in folder: String = temporaryFolder) {
        removeOldFiles(in: folder, untouchedFor: 86_400) { name in
            guard name.hasPrefix(eventsPrefix), name.hasSuffix(eventsSuffix) else { return false }
            let parts = name.dropFirst(eventsPrefix.count).dropLast(eventsSuffix.count).split(
                separator: "-", omittingEmptySubsequences: false)
            return parts.count == 2 && Int32(parts[0]) != nil && UInt32(parts[1]) != nil
        }
    }

    /// Writes the last events of a failed worker into its log if it has one, else into a file of its own.
    func saveWorkerEvents(_ events: [String]) {
        var status = stat()
        if fstat(STDERR_FILENO, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
            for line in events { warning("event: \(line)") }
            return
        }
        let folder = temporaryFolder
        Self.removeOldEvents(in: folder)
        let path = "\(folder)/\(Self.eventsPrefix)\(getpid())-\(UInt32.random(in: 0 ... .max))\(Self.eventsSuffix)"
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        close(file)
        guard (try? AtomicFile.write(events.map { $0 + "\n" }.joined(), to: path)) != nil else {
            return
        }
        warning("the last \(events.count) protocol events are in \(path)")
    }
}

import Foundation
import Glibc
import LockstepArtifacts
import LockstepRuntime

extension Console {
    /// Names what a failed run's trouble began with; what followed from it comes behind, in short.
    func tell(_ chronicle: Chronicle) {
        guard let cause = chronicle.incidents.first else { return }
        warning("first cause: \(when(cause)) \(cause.text)")
        if !cause.lastWords.isEmpty {
            warning("  its last words, \(cause.log.map { "in \($0)" } ?? "as it sent them"):")
            for line in cause.lastWords { warning("    \(line)") }
        }
        let consequences = chronicle.incidents.dropFirst()
        guard !consequences.isEmpty else { return }
        warning("  what followed:")
        for incident in consequences.prefix(8) { warning("    \(when(incident)) \(incident.text)") }
        let more = consequences.count - 8 + chronicle.omitted
        if more > 0 { warning("    and \(more) more") }
    }

    private func when(_ incident: Chronicle.Incident) -> String {
        let time = incident.time.formatted(.iso8601.time(includingFractionalSeconds: true))
        return "at \(time)" + (incident.step.map { " in step \(grouped(Int(clamping: $0)))" } ?? "")
    }

    /// Writes a failed coordinator's last events into its run directory.
    func keep(_ events: [String], in directory: RunDirectory) {
        guard !events.isEmpty else { return }
        do throws(ArtifactError) {
            try AtomicFile.write(events.map { $0 + "\n" }.joined(), to: directory.coordinatorEvents)
            warning("the last \(events.count) protocol events are in \(directory.coordinatorEvents)")
        } catch {
            warning("\(error)")
        }
    }

    /// Writes a failed worker's last events into its log, where it has one, or else into a file of their own.
    func keepWorkerEvents(_ events: [String]) {
        var status = stat()
        if fstat(STDERR_FILENO, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
            for line in events { warning("event: \(line)") }
            return
        }
        let folder = FileManager.default.temporaryDirectory.path
        let path = "\(folder)/lockstep-worker-\(getpid())-\(UInt32.random(in: 0 ... .max)).events"
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        close(file)
        guard (try? AtomicFile.write(events.map { $0 + "\n" }.joined(), to: path)) != nil else {
            return
        }
        warning("the last \(events.count) protocol events are in \(path)")
    }
}

import Glibc
import LockstepCluster
import LockstepSystem
import LockstepTimeline

/// The file into which a coordinator writes what happens to it, for `EventReplay`.
///
/// Events gather in memory and are written some at a time; a process that is killed loses the last few.
final class EventFile {
    private static let bytesAtATime = 1 << 15

    private let file: FileDescriptor
    private let path: String
    private var record: EventRecord?
    /// Told once if the file cannot be written any further; the run goes on without.
    var whenBroken: ((any Error) -> Void)?

    /// Makes the file, or empties it.
    ///
    /// - Throws: `SystemError` if it cannot be made.
    init(path: String) throws(SystemError) {
        let number = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard number >= 0 else { throw SystemError("make the record of events", code: errno, path: path) }
        self.file = FileDescriptor(owning: number)
        self.path = path
    }

    /// Starts with the configuration and the moment of the machine's beginning.
    func begin(_ configuration: CoordinatorMachine.Configuration, now: Instant) {
        record = EventRecord(configuration, now: now)
    }

    /// Adds an event and what came of it.
    func append(_ event: CoordinatorEvent, now: Instant, actions: ArraySlice<CoordinatorAction>) {
        record?.append(event, now: now, actions: actions)
        if let count = record?.count, count >= Self.bytesAtATime { flush() }
    }

    /// Writes what has gathered.
    func flush() {
        guard let bytes = record?.takeBytes() else { return }
        do {
            try bytes.withUnsafeBytes { try write(all: $0) }
        } catch {
            record = nil
            whenBroken?(error)
        }
    }

    private func write(all bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(file.number, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemError("write the record of events", code: errno, path: path) }
            rest = rest.dropFirst(count)
        }
    }
}

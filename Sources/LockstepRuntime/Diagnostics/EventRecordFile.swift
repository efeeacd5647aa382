import Glibc
import LockstepCluster
import LockstepSystem
import LockstepTimeline

/// The file to which a coordinator writes its events and actions, so that `EventReplay` can repeat them.
///
/// Events are buffered and written in blocks of 32 KiB; a process that is killed loses the last of them.
final class EventRecordFile {
    private static let blockSize = 1 << 15

    private let file: FileDescriptor
    private let path: String
    private var record: EventRecord?
    /// Called once if writing fails; the run then continues without the record.
    var whenBroken: ((any Error) -> Void)?

    /// Creates the file, or truncates it if it exists.
    ///
    /// - Throws: `SystemError` if the file cannot be opened.
    init(path: String) throws(SystemError) {
        let number = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard number >= 0 else { throw SystemError("make the record of events", code: errno, path: path) }
        self.file = FileDescriptor(owning: number)
        self.path = path
    }

    /// Starts the record with the machine's configuration and the time at which it started.
    func begin(_ configuration: CoordinatorMachine.Configuration, now: Instant) {
        record = EventRecord(configuration, now: now)
    }

    /// Adds an event and the actions that followed from it.
    func append(_ event: CoordinatorEvent, now: Instant, actions: ArraySlice<CoordinatorAction>) {
        record?.append(event, now: now, actions: actions)
        if let count = record?.count, count >= Self.blockSize { flush() }
    }

    /// Writes the buffered events.
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

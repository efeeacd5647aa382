import Glibc
import LockstepCluster
import LockstepSystem
import LockstepTimeline

/// The file to which a coordinator writes its events and actions, so that `EventReplay` can replay them.
///
/// Events are buffered and written in blocks of 32 KiB. A process that is killed loses the last block.
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
        do throws(SystemError) {
            file = try FileDescriptor(opening: path, flags: O_WRONLY | O_CREAT | O_TRUNC, permissions: 0o644)
        } catch {
            throw SystemError("make the record of events", code: error.code, path: path)
        }
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
        guard let bytes = record?.drainBytes() else { return }
        do throws(SystemError) {
            try file.write(bytes)
        } catch {
            record = nil
            whenBroken?(SystemError("write the record of events", code: error.code, path: path))
        }
    }
}

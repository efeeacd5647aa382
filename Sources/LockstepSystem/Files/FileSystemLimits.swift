import Glibc
import LockstepText

/// Operations that some file systems lack and this program can do without: locks (NFS without its lock daemon, Lustre without the
/// mount option), and flushing folders (CIFS, gocryptfs). Each is reported once.
package enum FileSystemLimits {
    /// What is missing.
    package enum Missing: Hashable, Sendable {
        case lock
        case flush
        case folderFlush
    }

    private struct State {
        var reported: Set<Missing> = []
        var handler: (@Sendable (String) -> Void)?
    }

    private static let state = Locked(State())

    /// Sets what is called with a sentence about what is missing, once for each kind.
    package static func setHandler(_ handler: @escaping @Sendable (String) -> Void) {
        state.withLock { $0.handler = handler }
    }

    /// Whether an error number says that the file system lacks an operation, and not that the operation failed.
    package static func isMissing(_ code: Int32) -> Bool {
        [ENOSYS, EOPNOTSUPP, ENOLCK, EINVAL, ENOTTY].contains(code)
    }

    /// Reports what a file system lacks.
    package static func report(_ missing: Missing, path: String, code: Int32) {
        let handler = state.withLock { state in
            state.handler != nil && state.reported.insert(missing).inserted ? state.handler : nil
        }
        handler?("\(path.printable): \(text(missing)) (\(String(cString: strerror(code)))); continuing without")
    }

    private static func text(_ missing: Missing) -> String {
        switch missing {
        case .lock: "this file system has no locks: make sure that no other process works in the same folder"
        case .flush: "this file system does not flush files: a power failure may damage the newest"
        case .folderFlush: "this file system does not flush folders: a power failure may take the newest file away"
        }
    }
}

/// Locks an open file or folder for this process: flock(2).
///
/// - Parameters:
///   - descriptor: The file.
///   - path: Its path, for a report if the file system has no locks.
/// - Returns: 0: this process has the lock, or the file system has none; else an errno: EWOULDBLOCK if another process
///   has it.
package func lockFile(_ descriptor: Int32, path: String) -> Int32 {
    guard retryingInterrupts({ flock(descriptor, LOCK_EX | LOCK_NB) }) != 0 else { return 0 }
    let code = errno
    guard FileSystemLimits.isMissing(code) else { return code }
    FileSystemLimits.report(.lock, path: path, code: code)
    return 0
}

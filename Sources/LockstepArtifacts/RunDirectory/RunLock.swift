import Glibc
import LockstepSystem

/// Locks a run directory while this value exists: no other process can use the directory.
///
/// The lock is on a file in the directory (flock(2)); the kernel releases it when the process ends, however it ends. Where
/// the file system has no locks, the directory is used without, after a warning.
package struct RunLock: ~Copyable, Sendable {
    private let descriptor: Int32

    deinit {
        close(descriptor)
    }

    /// Locks a directory.
    ///
    /// - Parameter directory: The run directory.
    /// - Throws: ``ArtifactError/inUse(path:processID:)`` while another process has the lock.
    package init(_ directory: RunDirectory) throws(ArtifactError) {
        let path = directory.lock
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
        guard descriptor >= 0 else { throw .system(.write, path: path, code: errno) }
        let code = lockFile(descriptor, path: directory.path)
        guard code == 0 else {
            let owner = Self.owner(descriptor)
            close(descriptor)
            guard code == EWOULDBLOCK else { throw .system(.write, path: path, code: code) }
            throw .inUse(path: directory.path, processID: owner)
        }
        // The process ID is for the message of a process that is refused; a run can do without it on a full disk.
        let text = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
        self.descriptor = descriptor
    }

    private static func owner(_ descriptor: Int32) -> Int32? {
        var text = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &text, text.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: text.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}

import Glibc
import LockstepText

/// A folder for the unix sockets of one run. Only this user can enter it (mode 0700). The deinitializer removes it.
///
/// A process that uses a folder holds a lock in it, which the kernel releases when the process ends. So a folder whose
/// process died without removing it is recognised, and removed when the next folder is made.
package struct SocketFolder: ~Copyable, Sendable {
    /// Its absolute path. It is short enough for sockets with names of up to ``longestName`` bytes.
    package let path: String
    private let lock: FileDescriptor

    /// The most bytes that the name of a socket in it may have.
    package static let longestName = 32
    private static let prefix = "lockstep-"
    private static let lockName = "lock"

    private init(path: String, lock: consuming FileDescriptor) {
        self.path = path
        self.lock = lock
    }

    deinit {
        SocketFolder.remove(path)
    }

    /// Removes the folder and the files in it now, instead of at the end of its scope.
    package consuming func remove() {}

    /// Makes a folder in the first of `parents` that permits it: by default `$XDG_RUNTIME_DIR`, then /tmp, then `$TMPDIR`.
    package static func make(in parents: [String] = defaultParents) throws(SystemError) -> SocketFolder {
        var failure = SystemError("make a folder for sockets", code: ENOENT)
        for parent in parents {
            guard parent.utf8.first == UInt8(ascii: "/") else { continue }
            removeStale(in: parent)
            do {
                return try make(inside: parent)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    package static var defaultParents: [String] {
        [environmentPath("XDG_RUNTIME_DIR"), "/tmp", environmentPath("TMPDIR")].compactMap(\.self)
    }

    private static func make(inside parent: String) throws(SystemError) -> SocketFolder {
        // Another process may remove the folder as stale before this process has locked it. Then try again.
        for _ in 0..<10 {
            let stem = "\(parent)/\(prefix)\(getpid())-"
            // Six characters make it unique; a slash comes before the socket's name.
            guard stem.pathBytes.count + 6 + 1 + longestName <= UnixSocketAddress.longestPath else {
                throw SystemError("make a folder for sockets in", code: ENAMETOOLONG, path: parent)
            }
            // libzmq takes UTF-8 only.
            guard !stem.hasEscapedBytes else {
                throw SystemError("make a folder for sockets in", code: EILSEQ, path: parent)
            }
            guard let path = makeUniqueFolder(stem) else {
                throw SystemError("make a folder for sockets in", code: errno, path: parent)
            }
            if let lock = acquireLock(in: path, creating: true) { return SocketFolder(path: path, lock: lock) }
            rmdir(path)
        }
        throw SystemError("lock a folder for sockets in", code: EWOULDBLOCK, path: parent)
    }

    /// Locks a folder for this process. Nil if another process holds the lock, or has just removed the folder.
    private static func acquireLock(in path: String, creating: Bool) -> FileDescriptor? {
        let flags = O_RDWR | O_NOFOLLOW | (creating ? O_CREAT : 0)
        guard let lock = try? FileDescriptor(opening: "\(path)/\(lockName)", flags: flags, permissions: 0o600),
            isLocked(lock, path: path, creating: creating)
        else { return nil }
        var status = stat()
        guard fstat(lock.number, &status) == 0, status.st_nlink == 1 else { return nil }
        return lock
    }

    /// Whether this process has a folder's lock. Where the file system has no locks, a new folder is used without, and no
    /// folder is taken for a stale one.
    private static func isLocked(_ lock: borrowing FileDescriptor, path: String, creating: Bool) -> Bool {
        creating
            ? lockFile(lock.number, path: path) == 0
            : retryingInterrupts { flock(lock.number, LOCK_EX | LOCK_NB) } == 0
    }

    /// Removes this user's folders whose processes have died: their names have the form that `make` gives, and no
    /// process holds their lock. Other files and folders with the same prefix stay.
    private static func removeStale(in parent: String) {
        for name in (try? names(in: parent)) ?? [] where hasOurName(name) {
            let path = "\(parent)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else {
                continue
            }
            // The lock keeps other processes from removing the same folder at the same time.
            if let lock = acquireLock(in: path, creating: false) {
                remove(path)
                _ = consume lock
            } else {
                // A folder whose process died before it had the lock is empty. A folder with files stays.
                rmdir(path)
            }
        }
    }

    /// Whether a name consists of the prefix, a process number and six letters or digits.
    private static func hasOurName(_ name: String) -> Bool {
        guard name.hasPrefix(prefix) else { return false }
        let parts = name.dropFirst(prefix.count).split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 2 && Int32(parts[0]) != nil && parts[1].utf8.count == 6
    }

    /// Removes a folder and the files in it. The folder stays if it has an entry that is not a file or cannot be
    /// removed.
    private static func remove(_ path: String) {
        for name in (try? names(in: path)) ?? [] { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}

import Glibc

/// A folder for the unix sockets of one run, for this user alone (mode 0700), that goes with its owner.
///
/// A folder whose process died without removing it is removed when the next one is made: the process that uses a folder
/// holds a lock in it, which the kernel releases with the process.
package struct RuntimeDirectory: ~Copyable, Sendable {
    /// Its absolute path: short enough for unix sockets with names of up to `longestName` bytes in it.
    package let path: String
    private let lock: FileDescriptor

    /// Bytes that the names of sockets in it may have.
    package static let longestName = 32
    /// Bytes that a unix socket's path may have.
    private static let longestPath = 107
    private static let prefix = "lockstep-"
    private static let lockName = "lock"

    private init(path: String, lock: consuming FileDescriptor) {
        self.path = path
        self.lock = lock
    }

    deinit {
        RuntimeDirectory.remove(path)
    }

    /// Removes the folder and what is in it now, instead of at the end of its scope.
    package consuming func remove() {}

    /// Makes one in the first of `parents` that has room for it: by default `$XDG_RUNTIME_DIR`, then /tmp.
    package static func make(in parents: [String] = defaultParents) throws(SystemError) -> RuntimeDirectory {
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
        [getenv("XDG_RUNTIME_DIR").map { String(cString: $0) }, "/tmp"].compactMap(\.self)
    }

    private static func make(inside parent: String) throws(SystemError) -> RuntimeDirectory {
        // Whoever cleans up may take a folder without a lock yet for a stale one: then try again.
        for _ in 0..<10 {
            var template = Array("\(parent)/\(prefix)\(getpid())-XXXXXX".utf8CString)
            guard template.count - 1 + 1 + longestName <= longestPath else {
                throw SystemError("make a folder for sockets in", code: ENAMETOOLONG, path: parent)
            }
            guard mkdtemp(&template) != nil else { throw .last("make a folder for sockets in", path: parent) }
            let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
            if let lock = takeLock(in: path, creating: true) { return RuntimeDirectory(path: path, lock: lock) }
            rmdir(path)
        }
        throw SystemError("lock a folder for sockets in", code: EWOULDBLOCK, path: parent)
    }

    /// Locks a folder for this process. Nil where another process has it, or has just removed it.
    private static func takeLock(in path: String, creating: Bool) -> FileDescriptor? {
        let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (creating ? O_CREAT : 0)
        let number = open("\(path)/\(lockName)", flags, 0o600)
        guard number >= 0 else { return nil }
        let lock = FileDescriptor(owning: number)
        guard flock(number, LOCK_EX | LOCK_NB) == 0 else { return nil }
        var status = stat()
        guard fstat(number, &status) == 0, status.st_nlink == 1 else { return nil }
        return lock
    }

    /// Removes folders of this user whose processes have died: those that are named as `make` names them and have a
    /// lock that nobody holds. Whatever else begins like them is somebody's work.
    private static func removeStale(in parent: String) {
        for name in entries(of: parent) where isOurs(name) {
            let path = "\(parent)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else {
                continue
            }
            // Whoever holds the lock while it removes them keeps others from doing the same.
            if let lock = takeLock(in: path, creating: false) {
                remove(path)
                _ = consume lock
            } else {
                // One whose process died before it had a lock is empty; any other stays.
                rmdir(path)
            }
        }
    }

    /// Whether a folder is called prefix, process number, six letters or digits.
    private static func isOurs(_ name: String) -> Bool {
        guard name.hasPrefix(prefix) else { return false }
        let parts = name.dropFirst(prefix.count).split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 2 && Int32(parts[0]) != nil && parts[1].utf8.count == 6
    }

    /// Removes a folder and the files in it. What is no file, or cannot be removed, stays, and the folder with it.
    private static func remove(_ path: String) {
        for name in entries(of: path) { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    private static func entries(of path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}

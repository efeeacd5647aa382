import Glibc
import LockstepSystem

/// Reads and creates the files of a key folder.
enum KeyFile {
    /// What a file's permissions must prevent.
    enum Trust {
        /// No other user may read or change it; its group, whose members its owner chooses, may read it.
        case secret
        /// No other user may change it.
        case shown
    }

    /// Reads a file for a process. It must belong to this user or root, and no other user may change it or, if it is
    /// secret, read it.
    static func read(_ path: String, _ trust: Trust, owner: KeyError.Owner) throws(KeyError) -> [UInt8] {
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard number >= 0 else {
            throw KeyError(path: path, reason: errno == ENOENT ? .missing(owner: owner) : .system(errno))
        }
        let file = FileDescriptor(owning: number)
        var status = stat()
        guard fstat(file.number, &status) == 0 else { throw KeyError(path: path, reason: .system(errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw KeyError(path: path, reason: .notAFile) }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw KeyError(path: path, reason: .foreignOwner(uid: status.st_uid))
        }
        if trust == .secret, status.st_mode & 0o037 != 0 {
            throw KeyError(path: path, reason: .readable(mode: status.st_mode))
        }
        guard status.st_mode & 0o022 == 0 else { throw KeyError(path: path, reason: .writable(mode: status.st_mode)) }
        return try content(of: file, path: path)
    }

    private static func content(of file: borrowing FileDescriptor, path: String) throws(KeyError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count: Int
            do throws(SystemError) {
                count = try file.read(into: &buffer)
            } catch {
                throw KeyError(path: path, reason: .system(error.code))
            }
            if count == 0 { return bytes }
            bytes += buffer.prefix(count)
            guard bytes.count <= KeyText.maximumBytes else {
                throw KeyError(path: path, reason: .tooLarge(limit: KeyText.maximumBytes))
            }
        }
    }

    /// Creates a new file with exactly these permissions, whatever the umask is; it gets its name once it is complete on the disk.
    /// After a failure there is no such file.
    static func create(_ path: String, mode: UInt32, _ text: String) throws(KeyError) {
        let (folder, name) = splitPath(path)
        let draft = "\(folder)/.\(name).\(getpid()).tmp"
        defer { unlink(draft) }
        do throws(SystemError) {
            unlink(draft)
            let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
            let file = try FileDescriptor(opening: draft, flags: flags, permissions: 0o600)
            try file.write(Array(text.utf8))
            guard fchmod(file.number, mode) == 0 else { throw SystemError("write", code: errno) }
            try file.synchronize()
            try setName(path, of: draft)
            do throws(SystemError) {
                try FileReplacement.synchronizeFolder(folder)
            } catch {
                unlink(path)
                throw error
            }
        } catch {
            throw KeyError(path: path, reason: error.code == EEXIST ? .exists : .system(error.code))
        }
    }

    /// Gives a complete file its name, and replaces no other file.
    private static func setName(_ path: String, of draft: String) throws(SystemError) {
        if link(draft, path) == 0 { return }
        guard errno != EEXIST else { throw SystemError("write", code: EEXIST) }
        // Some file systems have no second names.
        var status = stat()
        guard lstat(path, &status) != 0 else { throw SystemError("write", code: EEXIST) }
        guard rename(draft, path) == 0 else { throw SystemError("write", code: errno) }
    }
}

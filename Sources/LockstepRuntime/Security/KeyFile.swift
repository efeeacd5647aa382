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

    /// Creates a new file with exactly these permissions, whatever the umask is. On failure it removes the file.
    static func create(_ path: String, mode: UInt32, _ text: String) throws(KeyError) {
        let number = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard number >= 0 else { throw KeyError(path: path, reason: errno == EEXIST ? .exists : .system(errno)) }
        let file = FileDescriptor(owning: number)
        do throws(KeyError) {
            do throws(SystemError) {
                try file.write(Array(text.utf8))
            } catch {
                throw KeyError(path: path, reason: .system(error.code))
            }
            guard fchmod(file.number, mode) == 0, fsync(file.number) == 0 else {
                throw KeyError(path: path, reason: .system(errno))
            }
        } catch {
            unlink(path)
            throw error
        }
    }
}

import Glibc

/// Checks on the file of a unix socket before a process connects to it.
package enum SocketFile {
    /// Why this process cannot connect to the socket at a path, however long it tries: the socket is another user's, or
    /// the file is no socket. Nil if it can, or if there is no file yet: its process may come.
    package static func reasonAgainstConnecting(to path: String) -> String? {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            return errno == EACCES ? "its folder is closed to this user" : nil
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else { return "it is a file, not a socket" }
        // Connecting needs the permission to write.
        guard access(path, W_OK) != 0, errno == EACCES else { return nil }
        let owner = getpwuid(status.st_uid).flatMap { $0.pointee.pw_name }.map { " (\(String(cString: $0)))" } ?? ""
        return
            "the socket belongs to user \(status.st_uid)\(owner), and others may not connect; use an endpoint of your "
            + "own"
    }
}

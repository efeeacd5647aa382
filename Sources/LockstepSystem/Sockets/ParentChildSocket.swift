import CLinux
import Glibc

/// One end of the socket pair between a parent process and its child. End of file on it means that the other process
/// has ended: the kernel closes a dead process's end.
///
/// The child's end is its standard input. This value does not own its descriptor: the parent's end belongs to its
/// ``ChildProcess``.
package struct ParentChildSocket: Sendable {
    /// The socket. It is readable when data has arrived and when the other end is closed: ``hasEnded`` says which.
    package let descriptor: Int32

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// The environment variable with which a parent names the socket that it gave its child. The value is the socket's
    /// inode number, which no other open file has: a grandchild that inherits the variable but not the socket sees the
    /// difference.
    static let variable = "LOCKSTEP_PARENT_SOCKET"

    /// The child's end, if a parent gave this process one as its standard input. Nil for a process that was started by
    /// hand, whatever its standard input is.
    package static var standardInput: ParentChildSocket? {
        guard let given = getenv(variable), let status = socketStatus(STDIN_FILENO) else { return nil }
        return String(cString: given) == identity(status) ? ParentChildSocket(descriptor: STDIN_FILENO) : nil
    }

    /// Whether the other end is closed: by its process, or by the kernel when that process died. Data that was sent
    /// before may still wait to be read.
    package var hasEnded: Bool { waitForEnd(milliseconds: 0) }

    /// Waits until the other end is closed. Reads no data.
    package func waitForEnd() {
        while !waitForEnd(milliseconds: -1) {}
    }

    /// Ends this process with a failure status as soon as the other end is closed, whatever its other threads are
    /// doing.
    ///
    /// - Throws: `SystemError` if no thread can be started.
    package func exitProcessAtEnd() throws(SystemError) {
        _ = try Thread(name: "parent-socket") {
            waitForEnd()
            _exit(EXIT_FAILURE)
        }
    }

    private func waitForEnd(milliseconds: Int32) -> Bool {
        var item = pollfd(fd: descriptor, events: linux_pollrdhup, revents: 0)
        guard poll(&item, 1, milliseconds) > 0 else { return false }
        return item.revents & (linux_pollrdhup | Int16(POLLHUP | POLLERR | POLLNVAL)) != 0
    }

    /// The value of ``variable`` for the child that gets `socket`.
    static func identity(ofSocket socket: Int32) -> String {
        socketStatus(socket).map(identity) ?? ""
    }

    private static func identity(_ status: stat) -> String { String(status.st_ino) }

    private static func socketStatus(_ descriptor: Int32) -> stat? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
        return status
    }
}

import CLinux
import Glibc

/// One end of the connection between a parent process and its child. Its end of file says that the other one died.
///
/// The child's end is its standard input. It does not own its descriptor: the parent's belongs to its `ChildProcess`.
package struct Lifeline: Sendable {
    /// The socket. Readable, among others, once the other end is gone: ask `hasEnded`.
    package let descriptor: Int32

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// How a parent tells its child which socket it gave it: the inode number, which no other open file has and which
    /// stays true when the variable is inherited by those who did not get the socket.
    static let variable = "LOCKSTEP_LIFELINE"

    /// This process's lifeline, where a parent made one its standard input. Nil for a process started by hand, whatever
    /// its standard input is.
    package static var standardInput: Lifeline? {
        guard let given = getenv(variable), let status = socketStatus(STDIN_FILENO) else { return nil }
        return String(cString: given) == identity(status) ? Lifeline(descriptor: STDIN_FILENO) : nil
    }

    /// Whether the other end has been closed: by its owner, or by the kernel when its owner died. Data that was sent
    /// before may still be there to read.
    package var hasEnded: Bool { looksEnded(within: 0) }

    /// Waits until the other end has been closed. Reads nothing of what is sent.
    package func waitForEnd() {
        while !looksEnded(within: -1) {}
    }

    /// Has this process end as soon as the other end is closed, whatever it does then.
    ///
    /// - Throws: `SystemError` if there is no thread to be had.
    package func endProcessWithIt() throws(SystemError) {
        _ = try Thread(name: "lifeline") {
            waitForEnd()
            _exit(EXIT_FAILURE)
        }
    }

    private func looksEnded(within milliseconds: Int32) -> Bool {
        var item = pollfd(fd: descriptor, events: linux_pollrdhup, revents: 0)
        guard poll(&item, 1, milliseconds) > 0 else { return false }
        return item.revents & (linux_pollrdhup | Int16(POLLHUP | POLLERR | POLLNVAL)) != 0
    }

    /// The value of the variable for the child that gets `socket`.
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

import Glibc

/// Accepts connections from other processes of the same user on this host, under a name.
///
/// The name is an abstract socket address, not a file. It belongs to a network namespace: two processes in different
/// namespaces do not find each other, even if other signs say that they are on one host. The name disappears with its
/// owner.
package struct LocalListener: ~Copyable, Sendable {
    private let socket: FileDescriptor

    /// The socket: readable when a connection waits.
    package var descriptor: Int32 { socket.number }

    /// Listens under a name of at most 100 bytes. Throws EADDRINUSE if another process listens under it.
    package init(name: String) throws(SystemError) {
        let made = try UnixSocketAddress.makeSocket()
        do throws(SystemError) {
            try UnixSocketAddress(abstractName: name).listen(made)
        } catch {
            throw SystemError("listen for local workers", code: error.code)
        }
        socket = made
    }

    /// The next connection; nil if none waits. Connections of other users are closed at once.
    package func accept() -> FileDescriptor? {
        while true {
            let number = retryingInterrupts { Glibc.accept(socket.number, nil, nil) }
            guard number >= 0 else {
                if errno == ECONNABORTED { continue }
                return nil
            }
            let connection = FileDescriptor(owning: number)
            if fcntl(number, F_SETFD, FD_CLOEXEC) == 0, peerUser(of: number) == geteuid() { return connection }
        }
    }

    /// Connects to the process that listens under a name. Throws ECONNREFUSED if no process in this network namespace
    /// listens under it, EPERM if the process belongs to another user.
    package static func connect(to name: String) throws(SystemError) -> FileDescriptor {
        let operation = "connect to the coordinator's shared memory"
        let socket = try UnixSocketAddress.makeSocket()
        do throws(SystemError) {
            try UnixSocketAddress(abstractName: name).connect(socket)
        } catch {
            throw SystemError(operation, code: error.code)
        }
        guard peerUser(of: socket.number) == geteuid() else { throw SystemError(operation, code: EPERM) }
        return socket
    }
}

/// The user of the process at the other end, as the kernel knows it: SO_PEERCRED, {pid, uid, gid}.
private func peerUser(of socket: Int32) -> uid_t? {
    var credentials: [UInt32] = [0, 0, 0]
    var size = socklen_t(12)
    guard getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0, size == 12 else { return nil }
    return credentials[1]
}

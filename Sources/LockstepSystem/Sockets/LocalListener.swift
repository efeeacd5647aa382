import Glibc

/// Accepts connections of this user's other processes on this host, under a name that no file system has.
///
/// The name is an abstract one: it belongs to a network namespace, so processes that only look as if they were on one
/// host do not find each other, and it goes with its owner.
package struct LocalListener: ~Copyable, Sendable {
    private let socket: FileDescriptor

    /// The socket: readable when somebody wants to connect.
    package var descriptor: Int32 { socket.number }

    /// Listens under a name of at most 100 bytes. Throws EADDRINUSE if somebody else does.
    package init(name: String) throws(SystemError) {
        let made = try makeSocket()
        let result = withAddress(name) { bind(made.number, $0, $1) }
        guard result == 0, listen(made.number, 64) == 0 else { throw .last("listen for local workers") }
        socket = made
    }

    /// The next connection, if there is one. Those of other users are closed at once.
    package func accept() -> FileDescriptor? {
        while true {
            let number = Glibc.accept(socket.number, nil, nil)
            guard number >= 0 else {
                if errno == EINTR || errno == ECONNABORTED { continue }
                return nil
            }
            let connection = FileDescriptor(owning: number)
            if fcntl(number, F_SETFD, FD_CLOEXEC) == 0, peerUser(of: number) == geteuid() { return connection }
        }
    }

    /// Connects to whoever listens under a name. Throws ECONNREFUSED if nobody in this network namespace does, EPERM if
    /// it is another user.
    package static func connect(to name: String) throws(SystemError) -> FileDescriptor {
        let socket = try makeSocket()
        let result = withAddress(name) { Glibc.connect(socket.number, $0, $1) }
        guard result == 0 else { throw .last("connect to the coordinator's shared memory") }
        guard peerUser(of: socket.number) == geteuid() else {
            throw SystemError("connect to the coordinator's shared memory", code: EPERM)
        }
        return socket
    }
}

private func makeSocket() throws(SystemError) -> FileDescriptor {
    let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
    return try FileDescriptor(socket(AF_UNIX, Int32(kind), 0), "make a local socket")
}

/// The user at the other end, as the kernel knows it: SO_PEERCRED, {pid, uid, gid}.
private func peerUser(of socket: Int32) -> uid_t? {
    var credentials: [UInt32] = [0, 0, 0]
    var size = socklen_t(12)
    guard getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0, size == 12 else { return nil }
    return credentials[1]
}

/// Lends the abstract address of a name: a zero byte and the name's.
private func withAddress(_ name: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = name.utf8.prefix(100)
    withUnsafeMutableBytes(of: &address.sun_path) { path in
        for (index, byte) in bytes.enumerated() { path[index + 1] = byte }
    }
    let size = MemoryLayout<sa_family_t>.size + 1 + bytes.count
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(size)) }
    }
}

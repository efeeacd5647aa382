import Glibc
import LockstepText

/// The address of a unix socket: unix(7).
package struct UnixSocketAddress {
    /// The most bytes that a socket's path may have: the kernel's structure ends it with a zero.
    package static let longestPath = 107

    private var address = sockaddr_un()
    private let size: Int

    /// The address of a socket in the file system. Of a path that is too long, only the first bytes count.
    package init(path: String) {
        size = MemoryLayout<sockaddr_un>.size
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.pathBytes.prefix(Self.longestPath)) }
    }

    /// An abstract address: a zero byte and the name, of which the first 107 bytes count. It belongs to a network
    /// namespace and exists for as long as its socket does.
    package init(abstractName: String) {
        let name = abstractName.utf8.prefix(Self.longestPath)
        size = MemoryLayout<sa_family_t>.size + 1 + name.count
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            path[0] = 0
            UnsafeMutableRawBufferPointer(rebasing: path[1...]).copyBytes(from: name)
        }
    }

    /// The address in `NOTIFY_SOCKET`: an absolute path, or `@` and an abstract name. Nil for any other text, and for a name that
    /// is too long.
    init?(notifySocket name: String) {
        let size = name.pathBytes.count
        if name.hasPrefix("/"), size <= Self.longestPath {
            self.init(path: name)
        } else if name.hasPrefix("@"), size > 1, size - 1 <= Self.longestPath {
            self.init(abstractName: String(name.dropFirst()))
        } else {
            return nil
        }
    }

    /// Makes a datagram socket that is closed on exec.
    static func makeDatagramSocket() throws(SystemError) -> FileDescriptor {
        try FileDescriptor(
            socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0), "make a local socket")
    }

    /// Sends a datagram to the process that is bound to the address, if there is one.
    func send(_ bytes: [UInt8], from socket: borrowing FileDescriptor) {
        _ = withPointer { address, size in
            retryingInterrupts {
                Int32(clamping: sendto(socket.number, bytes, bytes.count, Int32(MSG_NOSIGNAL), address, size))
            }
        }
    }

    /// Makes a stream socket that does not block and is closed on exec.
    package static func makeSocket() throws(SystemError) -> FileDescriptor {
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        return try FileDescriptor(socket(AF_UNIX, Int32(kind), 0), "make a local socket")
    }

    /// Binds a socket to the address and listens. Throws EADDRINUSE if another process listens there.
    package func listen(_ socket: borrowing FileDescriptor) throws(SystemError) {
        guard withPointer({ bind(socket.number, $0, $1) }) == 0, Glibc.listen(socket.number, 64) == 0 else {
            throw .last("listen at a local socket")
        }
    }

    /// Connects a socket to the process that listens at the address. Throws ECONNREFUSED if no process listens there.
    package func connect(_ socket: borrowing FileDescriptor) throws(SystemError) {
        guard withPointer({ Glibc.connect(socket.number, $0, $1) }) == 0 else {
            throw .last("connect to a local socket")
        }
    }

    private func withPointer(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(size)) }
        }
    }
}

import Glibc
import LockstepSystem

/// A TCP socket that listens for browsers.
struct HTTPListener: ~Copyable, Sendable {
    private let socket: FileDescriptor
    /// The address that is bound, with the port that the system has chosen if none was given.
    let address: DashboardAddress

    var descriptor: Int32 { socket.number }

    /// Connections that wait to be accepted.
    private static let backlog: Int32 = 16

    /// Listens at an address.
    ///
    /// - Throws: `SystemError` that names the address, for instance if its port is in use.
    init(_ address: DashboardAddress) throws(SystemError) {
        let operation = "listen for browsers at"
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        let number = Glibc.socket(
            family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard number >= 0 else { throw SystemError(operation, code: errno, path: address.description) }
        let made = FileDescriptor(owning: number)
        var one: Int32 = 1
        setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        let isBound = address.withSocketAddress { bind(number, $0, $1) == 0 }
        guard isBound, listen(number, Self.backlog) == 0 else {
            throw SystemError(operation, code: errno, path: address.description)
        }
        var bound = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        _ = withUnsafeMutableBytes(of: &bound) { bytes in
            bytes.baseAddress.map { getsockname(number, $0.assumingMemoryBound(to: sockaddr.self), &length) }
        }
        // The port lies at the same place in both families.
        var result = address
        result.port = UInt16(bigEndian: bound.sin6_port)
        self.address = result
        socket = made
    }

    /// The next connection; nil if none waits, or if this process has no descriptor for it.
    func accept() -> FileDescriptor? {
        let number = retryingInterrupts { Glibc.accept(socket.number, nil, nil) }
        guard number >= 0 else { return nil }
        let connection = FileDescriptor(owning: number)
        if fcntl(number, F_SETFD, FD_CLOEXEC) == 0, fcntl(number, F_SETFL, O_NONBLOCK) == 0 { return connection }
        return nil
    }
}

import Glibc
import LockstepSystem

/// Finds out why a process does not reach an endpoint, which libzmq does not say.
extension Endpoint {
    /// Seconds to wait for an address to accept a connection.
    package static let reachabilitySeconds = 2.0

    /// Why nothing answers here, in words: "connection refused: nothing listens there". Nil if a program accepts
    /// connections.
    ///
    /// Resolves the host's name and connects to each of its addresses, so it may take seconds.
    package var reasonOfNoConnection: String? {
        switch self {
        case .ipc(let path):
            if let reason = SocketFile.reasonAgainstConnecting(to: path) { return reason }
            return access(path, F_OK) == 0 ? nil : "there is no such socket yet"
        case .tcp:
            if let reason = reasonOfNoAddress { return reason }
            let reasons = resolved.map(\.reasonOfFailedConnect)
            return reasons.contains(nil) ? nil : reasons.compactMap { $0 }.first
        }
    }

    /// Connects to a numeric address, and ends the connection.
    private var reasonOfFailedConnect: String? {
        guard case .tcp(let host, let port) = self else { return nil }
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &list) == 0, let entry = list?.pointee else { return nil }
        defer { freeaddrinfo(list) }
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(entry.ai_family, kind, 0)
        guard descriptor >= 0 else { return String(cString: strerror(errno)) }
        defer { close(descriptor) }
        if Glibc.connect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 { return nil }
        guard errno == EINPROGRESS else { return Endpoint.words(for: errno) }
        var item = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let milliseconds = Int32(Endpoint.reachabilitySeconds * 1_000)
        guard retryingInterrupts({ poll(&item, 1, milliseconds) }) > 0 else { return Endpoint.words(for: ETIMEDOUT) }
        var (code, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0, code != 0 else { return nil }
        return Endpoint.words(for: code)
    }

    private static func words(for code: Int32) -> String {
        switch code {
        case ECONNREFUSED: "connection refused: nothing listens there"
        case ETIMEDOUT: "no answer: is the host up, and is its port open in firewalls?"
        default: String(cString: strerror(code)).lowercased()
        }
    }
}

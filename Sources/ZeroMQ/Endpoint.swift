import Glibc
import LockstepSystem
import LockstepText

/// An address that a socket binds or connects to. It is validated before libzmq gets it.
package enum Endpoint: Hashable, Sendable {
    /// A unix socket in the file system, for processes of one host.
    case ipc(path: String)
    /// A port of a host. The host is a name, an IPv4 address, or an IPv6 address without brackets; for a bind also an
    /// interface's name, or `*` for all interfaces. Port 0 binds any free port.
    case tcp(host: String, port: UInt16)

    /// The most bytes that an ipc path may have.
    package static let longestPath = UnixSocketAddress.longestPath

    /// Parses `ipc://path` or `tcp://host:port`; the port `*` is port 0.
    ///
    /// - Throws: `ZeroMQError` that says what is wrong with the text.
    package init(_ text: String) throws(ZeroMQError) {
        func refused(_ why: String) -> ZeroMQError {
            ZeroMQError(.parseEndpoint, code: EINVAL, subject: text.isEmpty ? "''" : text, explanation: why)
        }
        if let path = text.removing(prefix: "ipc://") {
            if let why = Endpoint.fault(ofPath: path) { throw refused(why) }
            self = .ipc(path: path)
        } else if let address = text.removing(prefix: "tcp://") {
            guard let colon = address.utf8.lastIndex(of: UInt8(ascii: ":")) else {
                throw refused("the port is missing: tcp://host:port")
            }
            let host = String(address[..<colon])
            guard let port = Endpoint.port(String(address[address.utf8.index(after: colon)...])) else {
                throw refused("the port is a number from 0 to 65535, or * for any free one")
            }
            guard let name = Endpoint.host(host) else {
                throw refused("the host is a name, an IPv4 address, an IPv6 address in brackets, or *")
            }
            self = .tcp(host: name, port: port)
        } else {
            throw refused("an endpoint is ipc:///folder/name or tcp://host:port")
        }
    }

    /// Why a text is not a valid path of a unix socket; nil if it is valid.
    private static func fault(ofPath path: String) -> String? {
        if path.isEmpty { return "the path is missing: ipc:///folder/name" }
        if path.utf8.count > longestPath { return "the path is longer than \(longestPath) bytes: use a shorter folder" }
        // libzmq takes these for an abstract name, which has no permissions, and for a name that libzmq chooses.
        if path.hasPrefix("@") || path == "*" { return "the path must name a file" }
        if path.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) { return "the path contains a control character" }
        if path.hasEscapedBytes { return "the path must be UTF-8" }
        return nil
    }

    private static func port(_ text: String) -> UInt16? {
        if text == "*" { return 0 }
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy(isDigit) else { return nil }
        return UInt16(text)
    }

    /// The host without brackets; nil if it is not valid.
    private static func host(_ text: String) -> String? {
        if text == "*" { return text }
        if text.utf8.first == UInt8(ascii: "["), text.utf8.last == UInt8(ascii: "]") {
            let inside = String(text.dropFirst().dropLast())
            return isIPv6(inside) ? inside : nil
        }
        guard (1...253).contains(text.utf8.count), let first = text.utf8.first, let last = text.utf8.last else {
            return nil
        }
        let inner: (UInt8) -> Bool = { isLetterOrDigit($0) || "-._".utf8.contains($0) }
        guard isLetterOrDigit(first), last != UInt8(ascii: "-"), text.utf8.allSatisfy(inner) else { return nil }
        // A host of digits and dots must be a complete IPv4 address: the resolver would read 1.2.3 as another address.
        let numeric = text.utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: ".") }
        return numeric && bytes(ofIPv4: text) == nil ? nil : text
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isIPv6(_ text: String) -> Bool {
        let parts = text.split(separator: "%", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), bytes(ofIPv6: String(parts[0])) != nil else { return false }
        guard parts.count == 2 else { return true }
        // The zone names the interface of a link-local address.
        return (1...15).contains(parts[1].utf8.count)
            && parts[1].utf8.allSatisfy { isLetterOrDigit($0) || "-._".utf8.contains($0) }
    }

    private static func bytes(ofIPv4 text: String) -> [UInt8]? { bytes(text, family: AF_INET, count: 4) }
    private static func bytes(ofIPv6 text: String) -> [UInt8]? { bytes(text, family: AF_INET6, count: 16) }

    private static func bytes(_ text: String, family: Int32, count: Int) -> [UInt8]? {
        guard !text.utf8.contains(0) else { return nil }
        var address = [UInt8](repeating: 0, count: count)
        return inet_pton(family, text, &address) == 1 ? address : nil
    }
}

extension Endpoint: CustomStringConvertible {
    /// The text that reads back as this endpoint.
    package var description: String {
        switch self {
        case .ipc(let path): "ipc://\(path)"
        case .tcp(let host, let port): isIPv6 ? "tcp://[\(host)]:\(port)" : "tcp://\(host):\(port)"
        }
    }
}

extension Endpoint {
    /// Whether only processes on this host can reach it. Such an endpoint needs no encryption.
    package var staysOnHost: Bool {
        switch self {
        case .ipc: true
        case .tcp: isLoopback
        }
    }

    /// Whether it is tcp on a loopback address: 127.0.0.0/8, `[::1]` or `localhost`.
    package var isLoopback: Bool {
        guard case .tcp(let host, _) = self else { return false }
        if host == "localhost" { return true }
        if let address = Endpoint.bytes(ofIPv4: host) { return address[0] == 127 }
        guard let address = Endpoint.bytes(ofIPv6: host) else { return false }
        let mappedIPv4: [UInt8] = Array(repeating: 0, count: 10) + [0xff, 0xff]
        if address.starts(with: mappedIPv4) { return address[12] == 127 }
        return address == Array(repeating: 0, count: 15) + [1]
    }

    /// Whether the host is an IPv6 address: sockets need the `.ipv6` option for it.
    var isIPv6: Bool {
        guard case .tcp(let host, _) = self else { return false }
        return host.utf8.contains(UInt8(ascii: ":"))
    }

    /// Whether it is tcp on all addresses of this host.
    var isAnyAddress: Bool {
        guard case .tcp(let host, _) = self else { return false }
        return host == "*"
    }

    /// The text for libzmq. libzmq does not resolve names when it binds, so `localhost` is resolved here (RFC 6761).
    func libraryText(_ family: Family = .ipv4) -> String {
        guard case .tcp("localhost", let port) = self else { return description }
        return family == .ipv4 ? "tcp://127.0.0.1:\(port)" : "tcp://[::1]:\(port)"
    }
}

extension String {
    fileprivate func removing(prefix: String) -> String? {
        utf8.starts(with: prefix.utf8) ? String(self[utf8.index(startIndex, offsetBy: prefix.utf8.count)...]) : nil
    }
}

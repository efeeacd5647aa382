import Glibc

/// Host names, which stand for addresses of both families.
///
/// libzmq resolves the names that it connects to, but takes the first address of one family and tries no other. It
/// resolves no name that it binds. So a connection tries the families in turn, and a bind gets addresses.
extension Endpoint {
    /// A family of internet addresses.
    package enum Family: Sendable {
        case ipv4, ipv6
    }

    /// The families to try when connecting, one after the other: both for a host name, because the other end may listen
    /// at one of them only.
    package var families: [Family] {
        guard case .tcp(let host, _) = self else { return [.ipv4] }
        if host == "localhost" { return [.ipv4, .ipv6] }
        return isAddress ? [isIPv6 ? .ipv6 : .ipv4] : [.ipv6, .ipv4]
    }

    /// Whether the host is an address, not a name.
    var isAddress: Bool {
        guard case .tcp(let host, _) = self else { return true }
        return isIPv6 || host == "*" || host.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    }

    /// What a bind of this endpoint listens at: all addresses of a host name that this host has, or else the endpoint
    /// itself.
    ///
    /// - Throws: `ZeroMQError` if there is no such name.
    package func addressesToBind() throws(ZeroMQError) -> [Endpoint] {
        guard case .tcp(let host, let port) = self, !isAddress, if_nametoindex(host) == 0 else { return [self] }
        // RFC 6761 defines localhost, whatever the files of this host say.
        let hosts = host == "localhost" ? ["127.0.0.1", "::1"] : try Endpoint.addresses(of: host, for: self)
        let all = hosts.map { Endpoint.tcp(host: $0, port: port) }
        let own = all.filter(\.isOfThisHost)
        return own.isEmpty ? all : own
    }

    /// Why a connection finds no address: "the name server cannot be resolved: Name or service not known". Nil if the host
    /// is an address, or its name has one. Asks the system's resolver, which may take seconds.
    package var reasonOfNoAddress: String? {
        guard case .tcp(let host, _) = self, !isAddress, host != "localhost" else { return nil }
        do throws(Unresolved) {
            freeaddrinfo(try Endpoint.resolve(host))
            return nil
        } catch {
            return error.description
        }
    }

    /// The endpoints of all addresses of a host name, none if it has none; the endpoint itself without a name. Asks the
    /// system's resolver, which may take seconds.
    package var resolved: [Endpoint] {
        guard case .tcp(let host, let port) = self, !isAddress else { return [self] }
        let hosts = host == "localhost" ? ["127.0.0.1", "::1"] : (try? Endpoint.addresses(of: host, for: self)) ?? []
        return hosts.map { .tcp(host: $0, port: port) }
    }

    /// A name that the system's resolver does not know.
    private struct Unresolved: Error, CustomStringConvertible {
        let host: String
        /// What getaddrinfo returned.
        let status: Int32

        var description: String { "the name \(host) cannot be resolved: \(String(cString: gai_strerror(status)))" }
    }

    /// The system's list of a host's addresses. The caller frees it.
    private static func resolve(_ host: String) throws(Unresolved) -> UnsafeMutablePointer<addrinfo>? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else { throw Unresolved(host: host, status: status) }
        return list
    }

    /// The addresses of a host name, without duplicates.
    private static func addresses(of host: String, for endpoint: Endpoint) throws(ZeroMQError) -> [String] {
        let list: UnsafeMutablePointer<addrinfo>?
        do throws(Unresolved) {
            list = try resolve(host)
        } catch {
            throw ZeroMQError(
                .bind, code: EADDRNOTAVAIL, subject: endpoint.description, explanation: error.description)
        }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ai_next
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            guard
                getnameinfo(
                    entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
            else { continue }
            let address = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            if !addresses.contains(address) { addresses.append(address) }
        }
        return addresses
    }

    /// Whether a socket can be bound to this address, so that it is one of this host's and of a family that it knows.
    private var isOfThisHost: Bool {
        guard case .tcp(let host, _) = self else { return false }
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "0", &hints, &list) == 0, let entry = list?.pointee else { return false }
        defer { freeaddrinfo(list) }
        let descriptor = socket(entry.ai_family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return Glibc.bind(descriptor, entry.ai_addr, entry.ai_addrlen) == 0
    }
}

import Glibc

/// Where the live page is served: `8080`, `0.0.0.0:8080` or `[::1]:8080`.
package struct DashboardAddress: Hashable, Sendable, CustomStringConvertible {
    /// A numeric address.
    package let host: String
    package var port: UInt16

    /// Reads a port, which is one of 127.0.0.1, or a numeric address and a port; nil if the text is neither.
    package init?(_ text: String) {
        let (host, port): (Substring, Substring)
        if let colon = text.lastIndex(of: ":") {
            (host, port) = (text[..<colon], text[text.index(after: colon)...])
        } else {
            (host, port) = ("127.0.0.1", text[...])
        }
        guard let number = UInt16(port), port.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        self.port = number
        switch host {
        case "localhost": self.host = "127.0.0.1"
        case "*": self.host = "0.0.0.0"
        case _ where host.hasPrefix("[") && host.hasSuffix("]"): self.host = String(host.dropFirst().dropLast())
        default: self.host = String(host)
        }
        guard binary != nil else { return nil }
    }

    var isIPv6: Bool { host.contains(":") }

    /// Whether only processes of this host can connect.
    package var isLoopback: Bool { host == "::1" || host.hasPrefix("127.") }

    /// The address as the page's.
    package var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The bytes of the address; nil if the text is none.
    private var binary: [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
        return inet_pton(isIPv6 ? AF_INET6 : AF_INET, host, &bytes) == 1 ? bytes : nil
    }

    /// Calls `body` with the address as the kernel takes it.
    func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        let bytes = binary ?? []
        if isIPv6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &address.sin6_addr) { $0.copyBytes(from: bytes) }
            return Self.call(body, with: &address)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyBytes(from: bytes) }
        return Self.call(body, with: &address)
    }

    private static func call<Address, Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result, with address: inout Address
    ) -> Result {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }
}

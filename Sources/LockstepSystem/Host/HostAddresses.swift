import Glibc

extension Host {
    /// The addresses at which other hosts may reach this one, as numbers: those of all interfaces that are up, without
    /// loopback and link-local addresses; IPv4 first.
    package static var addresses: [String] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: (ipv4: [String], ipv6: [String]) = ([], [])
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard entry.ifa_flags & UInt32(IFF_UP) != 0, entry.ifa_flags & UInt32(IFF_LOOPBACK) == 0,
                let address = entry.ifa_addr
            else { continue }
            let isIPv4 = address.pointee.sa_family == sa_family_t(AF_INET)
            guard isIPv4 || address.pointee.sa_family == sa_family_t(AF_INET6) else { continue }
            let size = isIPv4 ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            guard getnameinfo(address, socklen_t(size), &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
            else {
                continue
            }
            let name = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            if isIPv4, !name.hasPrefix("169.254."), !found.ipv4.contains(name) { found.ipv4.append(name) }
            // A link-local address has a zone, the name of an interface, which other hosts do not know.
            if !isIPv4, !name.contains("%"), !name.hasPrefix("fe80:"), !found.ipv6.contains(name) {
                found.ipv6.append(name)
            }
        }
        return found.ipv4 + found.ipv6
    }
}

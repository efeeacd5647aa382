import LockstepSystem
package import ZeroMQ

/// Where workers on other hosts, or on this one, can connect to a coordinator that listens at some endpoints.
package enum AdvertisedEndpoints {
    /// The endpoints to tell workers.
    ///
    /// - Parameters:
    ///   - bound: Where the coordinator listens. One that listens at all addresses has an endpoint for each address of this
    ///     host; loopback only if there is no other.
    ///   - host: The name or address that stands in place of these addresses, if the user gives one.
    ///   - addresses: This host's addresses.
    /// - Returns: The endpoints, without duplicates.
    package static func list(
        _ bound: [Endpoint], advertising host: String?, addresses: [String] = Host.addresses
    ) -> [Endpoint] {
        let all = bound.flatMap { endpoint -> [Endpoint] in
            guard case .tcp(let name, let port) = endpoint else { return [endpoint] }
            if let host { return endpoint.isLoopback ? [endpoint] : [.tcp(host: host, port: port)] }
            guard ["*", "0.0.0.0", "::"].contains(name) else { return [endpoint] }
            let own = name == "0.0.0.0" ? addresses.filter { !$0.contains(":") } : addresses
            return (own.isEmpty ? ["127.0.0.1"] : own).map { .tcp(host: $0, port: port) }
        }
        var known: Set<Endpoint> = []
        return all.filter { known.insert($0).inserted }
    }
}

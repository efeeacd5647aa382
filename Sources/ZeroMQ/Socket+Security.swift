/// The encryption and authentication of connections over tcp. The permissions of its folder protect an ipc endpoint
/// instead.
package enum ConnectionSecurity: Sendable {
    /// No encryption, and every client may connect: for endpoints on this host, and for others if the user allows it.
    case none
    /// CURVE at the end that binds: proves that it owns this key, and asks the context's ``ZAPHandler`` about each
    /// client's key.
    case server(CurveKeyPair)
    /// CURVE at the end that connects: proves that it owns its key, and checks that the other end owns the server's.
    case client(CurveKeyPair, server: CurvePublicKey)

    /// Whether this is the end of a client that has keys.
    package var hasKeys: Bool {
        if case .client = self { return true }
        return false
    }

    /// The ZAP domain of encrypted endpoints. Without a domain, libzmq does not ask the handler and accepts every
    /// client.
    package static let domain = "lockstep"
}

/// Sets the options of each endpoint. libzmq copies the socket's options when an endpoint is bound or connected, so
/// each endpoint keeps the values of that moment.
///
/// | endpoint | I/O thread | security |
/// | --- | --- | --- |
/// | ipc | the first | none |
/// | tcp, without keys | the last | none |
/// | tcp, with keys | the last | CURVE, ZAP domain, and the domain enforced |
///
/// A flood of connections, even one that uses up all descriptors, keeps only the last I/O thread busy. Workers over ipc
/// and their heartbeats are not affected.
extension Socket {
    /// Binds all endpoints: first the ipc endpoints, which have no encryption.
    ///
    /// - Parameters:
    ///   - endpoints: The endpoints.
    ///   - security: The security of tcp endpoints.
    ///   - ioThreads: The number of the context's I/O threads.
    /// - Returns: The bound endpoints with their ports, in the order of `endpoints`.
    /// - Throws: The error of the first endpoint that cannot be bound.
    package func bind(
        _ endpoints: [Endpoint], security: ConnectionSecurity, ioThreads: Int32
    ) throws(ZeroMQError) -> [Endpoint] {
        var bound = endpoints
        for (index, endpoint) in endpoints.enumerated() where endpoint.isIPC {
            try set(.ioThreadAffinity, 1)
            bound[index] = try bind(endpoint)
        }
        try set(.ioThreadAffinity, 1 << UInt64(min(63, max(0, ioThreads - 1))))
        try apply(security)
        for (index, endpoint) in endpoints.enumerated() where !endpoint.isIPC {
            bound[index] = try bind(endpoint, besides: bound[..<index])
        }
        return bound
    }

    /// Binds any free port where the endpoint has none; if possible the one of an earlier endpoint of the other family,
    /// so that a host name has one port.
    private func bind(_ endpoint: Endpoint, besides earlier: ArraySlice<Endpoint>) throws(ZeroMQError) -> Endpoint {
        guard case .tcp(let host, 0) = endpoint, !endpoint.isAnyAddress else { return try bind(endpoint) }
        for case .tcp(let other, let port) in earlier where port > 0 {
            let wanted = Endpoint.tcp(host: host, port: port)
            guard wanted.isIPv6 != Endpoint.tcp(host: other, port: port).isIPv6 else { continue }
            do throws(ZeroMQError) {
                return try bind(wanted)
            } catch {
                guard error.isAddressInUse else { throw error }
            }
        }
        return try bind(endpoint)
    }

    /// Connects to an endpoint.
    ///
    /// - Parameters:
    ///   - endpoint: The endpoint.
    ///   - family: One of its families, over which to reach it; nil: the first.
    ///   - security: The security of a connection over tcp.
    /// - Throws: `ZeroMQError` if the endpoint is not valid for a connection.
    package func connect(
        _ endpoint: Endpoint, over family: Endpoint.Family? = nil, security: ConnectionSecurity
    ) throws(ZeroMQError) {
        if !endpoint.isIPC { try apply(security) }
        try connect(endpoint, over: family)
    }

    private func apply(_ security: ConnectionSecurity) throws(ZeroMQError) {
        switch security {
        case .none:
            return
        case .server(let keys):
            try set(.curveServer, true)
            try set(keys)
            try set(.zapDomain, ConnectionSecurity.domain)
            try set(.enforceZapDomain, true)
        case .client(let keys, let server):
            try set(keys)
            try set(.curveServerKey, server.bytes)
        }
    }

    private func set(_ keys: CurveKeyPair) throws(ZeroMQError) {
        try set(.curvePublicKey, keys.publicKey.bytes)
        try set(.curveSecretKey, keys.secretKey.bytes)
    }
}

extension Endpoint {
    /// Whether it is a unix socket. It needs no encryption: its data never leaves the kernel.
    package var isIPC: Bool {
        if case .ipc = self { return true }
        return false
    }
}

/// How connections over tcp are protected; ipc endpoints are guarded by their folder's permissions instead.
package enum ConnectionSecurity: Sendable {
    /// In plain text, from and to anybody: on the own host, or where somebody has typed that it may be.
    case none
    /// The end that binds: proves this key, and asks the context's ``ZAPHandler`` about everybody's.
    case server(CurveKeyPair)
    /// The end that connects: proves its own key and wants the other end to prove the server's.
    case client(CurveKeyPair, server: CurvePublicKey)

    /// The ZAP domain of protected endpoints. Without one libzmq would not ask the handler and let everybody in.
    package static let domain = "lockstep"
}

/// The one place that decides which endpoint gets which options. libzmq copies them when an endpoint is bound or
/// connected, so each endpoint keeps what is set at that moment.
///
/// | endpoint | I/O thread | security |
/// | --- | --- | --- |
/// | ipc | the first | none |
/// | tcp, without keys | the last | none |
/// | tcp, with keys | the last | CURVE, ZAP domain, and the domain enforced |
///
/// A flood of connections, or one that has used up all descriptors, keeps only the last I/O thread busy: workers over
/// ipc, and their heartbeats, do not notice.
extension Socket {
    /// Binds all endpoints, those without encryption first.
    ///
    /// - Parameters:
    ///   - endpoints: Where to accept connections.
    ///   - security: How those over tcp are protected.
    ///   - ioThreads: As many as the context has.
    /// - Returns: What was bound, in the order of `endpoints`.
    /// - Throws: What stands in the way of the first endpoint that cannot be bound.
    package func bind(
        _ endpoints: [Endpoint], security: ConnectionSecurity, ioThreads: Int32
    ) throws(ZeroMQError) -> [Endpoint] {
        var bound = endpoints
        for (index, endpoint) in endpoints.enumerated() where endpoint.isIPC {
            try set(.ioThreadAffinity, 1)
            bound[index] = try bind(endpoint)
        }
        try set(.ioThreadAffinity, 1 << UInt64(min(63, max(0, ioThreads - 1))))
        try protect(security)
        for (index, endpoint) in endpoints.enumerated() where !endpoint.isIPC {
            bound[index] = try bind(endpoint)
        }
        return bound
    }

    /// Connects to an endpoint.
    ///
    /// - Parameters:
    ///   - endpoint: Who to connect to.
    ///   - security: How the connection is protected if it goes over tcp.
    /// - Throws: What is wrong with the endpoint.
    package func connect(_ endpoint: Endpoint, security: ConnectionSecurity) throws(ZeroMQError) {
        if !endpoint.isIPC { try protect(security) }
        try connect(endpoint)
    }

    private func protect(_ security: ConnectionSecurity) throws(ZeroMQError) {
        switch security {
        case .none:
            return
        case .server(let keys):
            try set(.curveServer, true)
            try prove(keys)
            try set(.zapDomain, ConnectionSecurity.domain)
            try set(.enforceZapDomain, true)
        case .client(let keys, let server):
            try prove(keys)
            try set(.curveServerKey, server.bytes)
        }
    }

    private func prove(_ keys: CurveKeyPair) throws(ZeroMQError) {
        try set(.curvePublicKey, keys.publicKey.bytes)
        try set(.curveSecretKey, keys.secretKey.bytes)
    }
}

extension Endpoint {
    /// Whether it is a unix socket, which needs no encryption: the kernel shows it to nobody else.
    package var isIPC: Bool {
        if case .ipc = self { return true }
        return false
    }
}

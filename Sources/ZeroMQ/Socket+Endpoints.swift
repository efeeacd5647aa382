import CZeroMQ
import Glibc

extension Socket {
    /// Accepts connections at `endpoint`, and returns the bound endpoint; a port of 0 is replaced by the port that the
    /// system chose.
    ///
    /// An ipc endpoint is bound only if no other program listens there and if the bind replaces no file other than a
    /// socket that a dead program has left. Throws `isAddressInUse`, or another error of the bind.
    @discardableResult
    package func bind(_ endpoint: Endpoint) throws(ZeroMQError) -> Endpoint {
        let lock = try claim(endpoint)
        try withIPv6(endpoint.isIPv6 || endpoint.isAnyAddress) { () throws(ZeroMQError) in
            try core.perform(.bind, subject: endpoint.description) { zmq_bind($0, endpoint.libraryText()) }
        }
        _ = consume lock
        return try lastEndpoint
    }

    /// Undoes a bind; `endpoint` is what it returned. Connections that were accepted there end.
    package func unbind(_ endpoint: Endpoint) throws(ZeroMQError) {
        try core.perform(.unbind, subject: endpoint.description) { zmq_unbind($0, endpoint.libraryText()) }
    }

    /// Connects in the background, and reconnects whenever the connection is lost. The other side may start to listen
    /// later.
    ///
    /// - Parameters:
    ///   - endpoint: The endpoint.
    ///   - family: One of its families, over which to reach it; nil: the first.
    /// - Throws: `ZeroMQError` if the endpoint is not valid for a connection.
    package func connect(_ endpoint: Endpoint, over family: Endpoint.Family? = nil) throws(ZeroMQError) {
        if case .tcp(let host, let port) = endpoint, host == "*" || port == 0 {
            throw ZeroMQError(
                .connect, code: EINVAL, subject: endpoint.description,
                explanation: "a connection needs a host and a port, not * or 0: copy what the other side printed")
        }
        let family = family ?? endpoint.families[0]
        try withIPv6(family == .ipv6) { () throws(ZeroMQError) in
            try core.perform(.connect, subject: endpoint.description) {
                zmq_connect($0, endpoint.libraryText(family))
            }
        }
    }

    /// Undoes a connect.
    package func disconnect(_ endpoint: Endpoint) throws(ZeroMQError) {
        try core.perform(.disconnect, subject: endpoint.description) { zmq_disconnect($0, endpoint.libraryText()) }
    }

    /// Accepts connections of sockets of the same context, on any thread, under a name.
    package func bind(inproc name: String) throws(ZeroMQError) {
        try core.perform(.bind, subject: "inproc://\(name)") { zmq_bind($0, "inproc://\(name)") }
    }

    /// Connects to the socket of the same context that is bound, or will be bound, under a name.
    package func connect(inproc name: String) throws(ZeroMQError) {
        try core.perform(.connect, subject: "inproc://\(name)") { zmq_connect($0, "inproc://\(name)") }
    }

    /// Sets the IPv6 option for this call only: without it libzmq rejects IPv6 addresses, and with it `*` has another
    /// meaning.
    private func withIPv6(_ needed: Bool, _ attach: () throws(ZeroMQError) -> Void) throws(ZeroMQError) {
        guard needed, try !get(.ipv6) else { return try attach() }
        try set(.ipv6, true)
        do {
            try attach()
        } catch {
            try set(.ipv6, false)
            throw error
        }
        try set(.ipv6, false)
    }
}

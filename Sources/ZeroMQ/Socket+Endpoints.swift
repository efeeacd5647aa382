import CZeroMQ
import Glibc

extension Socket {
    /// Accepts connections at `endpoint`, and returns what was bound: the port that 0 became.
    ///
    /// An ipc endpoint is bound only where nobody listens and nothing but a socket would be replaced. Throws
    /// `isAddressInUse`, or what else stands in the way.
    @discardableResult
    package func bind(_ endpoint: Endpoint) throws(ZeroMQError) -> Endpoint {
        let lock = try claim(endpoint)
        defer { if lock >= 0 { Glibc.close(lock) } }
        try withIPv6(endpoint.isIPv6) { () throws(ZeroMQError) in
            try core.perform(.bind, subject: endpoint.description) { zmq_bind($0, endpoint.libraryText) }
        }
        return try lastEndpoint
    }

    /// Takes back a bind, named by what it returned. Connections that were accepted there end.
    package func unbind(_ endpoint: Endpoint) throws(ZeroMQError) {
        try core.perform(.unbind, subject: endpoint.description) { zmq_unbind($0, endpoint.libraryText) }
    }

    /// Connects in the background, now and again whenever the connection is lost. Nobody has to listen there yet.
    package func connect(_ endpoint: Endpoint) throws(ZeroMQError) {
        if case .tcp(let host, let port) = endpoint, host == "*" || port == 0 {
            throw ZeroMQError(
                .connect, code: EINVAL, subject: endpoint.description,
                explanation: "a connection needs a host and a port, not * or 0: copy what the other side printed")
        }
        try withIPv6(endpoint.isIPv6) { () throws(ZeroMQError) in
            try core.perform(.connect, subject: endpoint.description) { zmq_connect($0, endpoint.libraryText) }
        }
    }

    /// Takes back a connect.
    package func disconnect(_ endpoint: Endpoint) throws(ZeroMQError) {
        try core.perform(.disconnect, subject: endpoint.description) { zmq_disconnect($0, endpoint.libraryText) }
    }

    /// Accepts connections of sockets of the same context, on whatever thread, under a name.
    package func bind(inproc name: String) throws(ZeroMQError) {
        try core.perform(.bind, subject: "inproc://\(name)") { zmq_bind($0, "inproc://\(name)") }
    }

    /// Connects to the socket of the same context that is, or will be, bound under a name.
    package func connect(inproc name: String) throws(ZeroMQError) {
        try core.perform(.connect, subject: "inproc://\(name)") { zmq_connect($0, "inproc://\(name)") }
    }

    /// libzmq reads no IPv6 address without the option, and with it `*` means something else: on for this call only.
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

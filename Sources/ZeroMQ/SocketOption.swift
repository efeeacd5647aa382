import CZeroMQ

/// A setting of a socket, with the type of its value.
///
/// libzmq copies most of them when a socket binds or connects: they have to be set before, and each endpoint keeps
/// what was set when it was bound.
package struct SocketOption<Value: SocketOptionValue>: Sendable {
    let code: Int32
    /// libzmq's name of it.
    package let name: String
}

/// Most messages, times.
extension SocketOption<Int32> {
    /// Messages that wait for each peer before sending blocks. 0: no limit. Default 1,000.
    package static var sendHighWaterMark: Self { .init(code: ZMQ_SNDHWM, name: "ZMQ_SNDHWM") }
    /// Messages that wait to be received from each peer before its connection is no longer read. 0: no limit.
    /// Default 1,000.
    package static var receiveHighWaterMark: Self { .init(code: ZMQ_RCVHWM, name: "ZMQ_RCVHWM") }
    /// Milliseconds that closing gives unsent messages. -1: no limit. `close(linger:)` overrules it.
    package static var linger: Self { .init(code: ZMQ_LINGER, name: "ZMQ_LINGER") }
    /// Milliseconds a new connection has for its handshake. 0: no limit. Default 30,000.
    package static var handshakeInterval: Self { .init(code: ZMQ_HANDSHAKE_IVL, name: "ZMQ_HANDSHAKE_IVL") }
    /// Milliseconds between two heartbeats on each connection. 0, the default: none.
    package static var heartbeatInterval: Self { .init(code: ZMQ_HEARTBEAT_IVL, name: "ZMQ_HEARTBEAT_IVL") }
    /// Milliseconds without any traffic after a heartbeat until a connection counts as dead.
    package static var heartbeatTimeout: Self { .init(code: ZMQ_HEARTBEAT_TIMEOUT, name: "ZMQ_HEARTBEAT_TIMEOUT") }
    /// Milliseconds after which the *peer* is told to count the connection as dead, in tenths of a second.
    package static var heartbeatTimeToLive: Self { .init(code: ZMQ_HEARTBEAT_TTL, name: "ZMQ_HEARTBEAT_TTL") }
    /// Milliseconds until a lost connection is tried again. -1: never. Default 100.
    package static var reconnectInterval: Self { .init(code: ZMQ_RECONNECT_IVL, name: "ZMQ_RECONNECT_IVL") }
    /// The most that the reconnect interval doubles to. 0, the default: it stays the same.
    package static var reconnectIntervalLimit: Self {
        .init(code: ZMQ_RECONNECT_IVL_MAX, name: "ZMQ_RECONNECT_IVL_MAX")
    }
    /// Milliseconds that an attempt to connect may take. 0, the default: as the kernel likes.
    package static var connectTimeout: Self { .init(code: ZMQ_CONNECT_TIMEOUT, name: "ZMQ_CONNECT_TIMEOUT") }
    /// Milliseconds that a send waits for room. -1, the default: no limit.
    package static var sendTimeout: Self { .init(code: ZMQ_SNDTIMEO, name: "ZMQ_SNDTIMEO") }
    /// Milliseconds that a receive waits. -1, the default: no limit.
    package static var receiveTimeout: Self { .init(code: ZMQ_RCVTIMEO, name: "ZMQ_RCVTIMEO") }
    /// Connections that may wait to be accepted. Default 100.
    package static var backlog: Self { .init(code: ZMQ_BACKLOG, name: "ZMQ_BACKLOG") }
    /// TCP's own keep-alive: 1 on, 0 off, -1, the default: the system's setting.
    package static var tcpKeepAlive: Self { .init(code: ZMQ_TCP_KEEPALIVE, name: "ZMQ_TCP_KEEPALIVE") }
    /// Seconds of silence before TCP's first keep-alive. -1: the system's setting.
    package static var tcpKeepAliveIdle: Self { .init(code: ZMQ_TCP_KEEPALIVE_IDLE, name: "ZMQ_TCP_KEEPALIVE_IDLE") }
    /// Bytes of the kernel's send buffer. -1, the default: the system's setting.
    package static var sendBuffer: Self { .init(code: ZMQ_SNDBUF, name: "ZMQ_SNDBUF") }
    /// Bytes of the kernel's receive buffer. -1, the default: the system's setting.
    package static var receiveBuffer: Self { .init(code: ZMQ_RCVBUF, name: "ZMQ_RCVBUF") }
}

extension SocketOption<Int64> {
    /// Bytes of a frame above which its sender is disconnected. -1, the default: no limit.
    package static var maximumMessageSize: Self { .init(code: ZMQ_MAXMSGSIZE, name: "ZMQ_MAXMSGSIZE") }
}

extension SocketOption<UInt64> {
    /// Which I/O threads serve new connections, a bit for each. 0, the default: all.
    package static var ioThreadAffinity: Self { .init(code: ZMQ_AFFINITY, name: "ZMQ_AFFINITY") }
}

extension SocketOption<Bool> {
    /// A router throws `isHostUnreachable` for an unknown peer, and reports a full queue, instead of dropping.
    package static var routerMandatory: Self { .init(code: ZMQ_ROUTER_MANDATORY, name: "ZMQ_ROUTER_MANDATORY") }
    /// Queue messages for completed connections only.
    package static var immediate: Self { .init(code: ZMQ_IMMEDIATE, name: "ZMQ_IMMEDIATE") }
    /// Names may resolve to IPv6 addresses, and `*` means both kinds. Literal addresses do without it.
    package static var ipv6: Self { .init(code: ZMQ_IPV6, name: "ZMQ_IPV6") }
    /// This end is the CURVE server: the one whose key the other has to know.
    package static var curveServer: Self { .init(code: ZMQ_CURVE_SERVER, name: "ZMQ_CURVE_SERVER") }
    /// Refuse everybody while no ZAP handler answers, instead of letting everybody in. Needs a `zapDomain`: without
    /// one it does nothing.
    package static var enforceZapDomain: Self { .init(code: czmq_zap_enforce_domain, name: "ZMQ_ZAP_ENFORCE_DOMAIN") }
}

extension SocketOption<String> {
    /// Under which name the ZAP handler is asked about new connections.
    package static var zapDomain: Self { .init(code: ZMQ_ZAP_DOMAIN, name: "ZMQ_ZAP_DOMAIN") }
}

/// CURVE keys, 32 bytes each.
extension SocketOption<[UInt8]> {
    /// This end's public key.
    package static var curvePublicKey: Self { .init(code: ZMQ_CURVE_PUBLICKEY, name: "ZMQ_CURVE_PUBLICKEY") }
    /// This end's secret key.
    package static var curveSecretKey: Self { .init(code: ZMQ_CURVE_SECRETKEY, name: "ZMQ_CURVE_SECRETKEY") }
    /// The public key that the server has to prove.
    package static var curveServerKey: Self { .init(code: ZMQ_CURVE_SERVERKEY, name: "ZMQ_CURVE_SERVERKEY") }
}

/// A type that libzmq's options have.
package protocol SocketOptionValue: Sendable {
    /// The value in libzmq's representation.
    func withOptionBytes(_ body: (UnsafeRawBufferPointer) -> Int32) -> Int32
}

/// A type of options that can be read back. Keys cannot.
package protocol ReadableSocketOptionValue: SocketOptionValue {
    /// Bytes to offer libzmq, which for a number accepts its size alone.
    static var optionCapacity: Int { get }
    /// Reads the value from what libzmq wrote. Nil where that is none.
    init?(optionBytes: UnsafeRawBufferPointer)
}

/// The integer types are libzmq's own.
package protocol IntegerSocketOptionValue: ReadableSocketOptionValue, FixedWidthInteger {}
extension Int32: IntegerSocketOptionValue {}
extension Int64: IntegerSocketOptionValue {}
extension UInt64: IntegerSocketOptionValue {}

extension IntegerSocketOptionValue {
    package static var optionCapacity: Int { MemoryLayout<Self>.size }

    package func withOptionBytes(_ body: (UnsafeRawBufferPointer) -> Int32) -> Int32 {
        withUnsafeBytes(of: self, body)
    }

    package init?(optionBytes: UnsafeRawBufferPointer) {
        guard optionBytes.count == MemoryLayout<Self>.size else { return nil }
        self = optionBytes.loadUnaligned(as: Self.self)
    }
}

/// A C int that is 0 or 1.
extension Bool: ReadableSocketOptionValue {
    package static var optionCapacity: Int { Int32.optionCapacity }

    package func withOptionBytes(_ body: (UnsafeRawBufferPointer) -> Int32) -> Int32 {
        (self ? 1 : 0 as Int32).withOptionBytes(body)
    }

    package init?(optionBytes: UnsafeRawBufferPointer) {
        guard let value = Int32(optionBytes: optionBytes) else { return nil }
        self = value != 0
    }
}

/// UTF-8; read back it ends with a zero.
extension String: ReadableSocketOptionValue {
    /// The longest is an endpoint.
    package static var optionCapacity: Int { 512 }

    package func withOptionBytes(_ body: (UnsafeRawBufferPointer) -> Int32) -> Int32 {
        Array(utf8).withUnsafeBytes(body)
    }

    package init?(optionBytes: UnsafeRawBufferPointer) {
        self.init(validating: optionBytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}

extension [UInt8]: SocketOptionValue {
    package func withOptionBytes(_ body: (UnsafeRawBufferPointer) -> Int32) -> Int32 {
        withUnsafeBytes(body)
    }
}

import CZeroMQ

/// A setting of a socket, with the type of its value.
///
/// libzmq copies most settings when a socket binds or connects: set them before. Each endpoint keeps the values of that
/// moment.
package struct SocketOption<Value: SocketOptionValue>: Sendable {
    let code: Int32
    /// libzmq's name of the option.
    package let name: String
}

/// Limits and times.
extension SocketOption<Int32> {
    /// The messages queued for each peer at which sending blocks. 0: no limit. Default 1,000.
    package static var sendHighWaterMark: Self { .init(code: ZMQ_SNDHWM, name: "ZMQ_SNDHWM") }
    /// The unread messages of each peer at which libzmq stops reading its connection. 0: no limit. Default 1,000.
    package static var receiveHighWaterMark: Self { .init(code: ZMQ_RCVHWM, name: "ZMQ_RCVHWM") }
    /// Milliseconds for which libzmq continues to send messages of a closed socket. -1: no limit. `close(linger:)`
    /// overrides it.
    package static var linger: Self { .init(code: ZMQ_LINGER, name: "ZMQ_LINGER") }
    /// The most milliseconds of a new connection's handshake. 0: no limit. Default 30,000.
    package static var handshakeInterval: Self { .init(code: ZMQ_HANDSHAKE_IVL, name: "ZMQ_HANDSHAKE_IVL") }
    /// Milliseconds between two heartbeats on each connection. 0, the default: none.
    package static var heartbeatInterval: Self { .init(code: ZMQ_HEARTBEAT_IVL, name: "ZMQ_HEARTBEAT_IVL") }
    /// Milliseconds without any traffic after a heartbeat until a connection counts as dead.
    package static var heartbeatTimeout: Self { .init(code: ZMQ_HEARTBEAT_TIMEOUT, name: "ZMQ_HEARTBEAT_TIMEOUT") }
    /// Milliseconds without traffic after which the *peer* considers the connection dead; sent as tenths of a second.
    package static var heartbeatTimeToLive: Self { .init(code: ZMQ_HEARTBEAT_TTL, name: "ZMQ_HEARTBEAT_TTL") }
    /// Milliseconds that connecting over tcp may take before it is tried again. 0, the default: as long as the system
    /// waits.
    package static var connectTimeout: Self { .init(code: ZMQ_CONNECT_TIMEOUT, name: "ZMQ_CONNECT_TIMEOUT") }
    /// Milliseconds until libzmq reconnects a lost connection. -1: never. Default 100.
    package static var reconnectInterval: Self { .init(code: ZMQ_RECONNECT_IVL, name: "ZMQ_RECONNECT_IVL") }
    /// The limit up to which the reconnect interval doubles. 0, the default: it stays constant.
    package static var reconnectIntervalLimit: Self {
        .init(code: ZMQ_RECONNECT_IVL_MAX, name: "ZMQ_RECONNECT_IVL_MAX")
    }
    /// Milliseconds that a send waits at a full queue. -1, the default: no limit.
    package static var sendTimeout: Self { .init(code: ZMQ_SNDTIMEO, name: "ZMQ_SNDTIMEO") }
    /// Milliseconds that a receive waits. -1, the default: no limit.
    package static var receiveTimeout: Self { .init(code: ZMQ_RCVTIMEO, name: "ZMQ_RCVTIMEO") }
    /// Connections that may wait to be accepted. Default 100.
    package static var backlog: Self { .init(code: ZMQ_BACKLOG, name: "ZMQ_BACKLOG") }
}

extension SocketOption<Int64> {
    /// The most bytes of a received frame; the sender of a larger one is disconnected. -1, the default: no limit.
    package static var maximumMessageSize: Self { .init(code: ZMQ_MAXMSGSIZE, name: "ZMQ_MAXMSGSIZE") }
}

extension SocketOption<UInt64> {
    /// The I/O threads that serve new connections, one bit each. 0, the default: all.
    package static var ioThreadAffinity: Self { .init(code: ZMQ_AFFINITY, name: "ZMQ_AFFINITY") }
}

extension SocketOption<Bool> {
    /// A router throws `isHostUnreachable` for an unknown peer, and reports a full queue, instead of dropping.
    package static var routerMandatory: Self { .init(code: ZMQ_ROUTER_MANDATORY, name: "ZMQ_ROUTER_MANDATORY") }
    /// Queue messages for completed connections only.
    package static var immediate: Self { .init(code: ZMQ_IMMEDIATE, name: "ZMQ_IMMEDIATE") }
    /// Names resolve to IPv6 addresses first, and `*` binds both IPv4 and IPv6. `Socket.bind` and `connect` set it
    /// where it is needed.
    package static var ipv6: Self { .init(code: ZMQ_IPV6, name: "ZMQ_IPV6") }
    /// This end is the CURVE server: the other end must know its key.
    package static var curveServer: Self { .init(code: ZMQ_CURVE_SERVER, name: "ZMQ_CURVE_SERVER") }
    /// Refuse all clients while no ZAP handler answers, instead of accepting all. It has no effect without a
    /// `zapDomain`.
    package static var enforceZapDomain: Self { .init(code: czmq_zap_enforce_domain, name: "ZMQ_ZAP_ENFORCE_DOMAIN") }
}

extension SocketOption<String> {
    /// The domain in requests to the ZAP handler about new connections.
    package static var zapDomain: Self { .init(code: ZMQ_ZAP_DOMAIN, name: "ZMQ_ZAP_DOMAIN") }
}

/// CURVE keys, 32 bytes each.
extension SocketOption<[UInt8]> {
    /// This end's public key.
    package static var curvePublicKey: Self { .init(code: ZMQ_CURVE_PUBLICKEY, name: "ZMQ_CURVE_PUBLICKEY") }
    /// This end's secret key.
    package static var curveSecretKey: Self { .init(code: ZMQ_CURVE_SECRETKEY, name: "ZMQ_CURVE_SECRETKEY") }
    /// The server's public key. The server must prove that it owns it.
    package static var curveServerKey: Self { .init(code: ZMQ_CURVE_SERVERKEY, name: "ZMQ_CURVE_SERVERKEY") }
}

/// A type of libzmq's options.
package protocol SocketOptionValue: Sendable {
    /// The value in libzmq's representation.
    func withOptionBytes(_ body: (UnsafeRawBufferPointer) -> Int32) -> Int32
}

/// A type of options that can be read back. Keys cannot be read back.
package protocol ReadableSocketOptionValue: SocketOptionValue {
    /// The size of the buffer for libzmq. For a number it must be exactly the number's size.
    static var optionCapacity: Int { get }
    /// Decodes the value that libzmq wrote. Nil if the bytes are not a value.
    init?(optionBytes: UnsafeRawBufferPointer)
}

/// An integer type, with the same representation in libzmq.
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

/// UTF-8. A value that is read back ends with a zero byte.
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

import CZeroMQ

/// An event of a socket's connections and listeners.
package struct SocketEvent: Equatable, Sendable {
    /// The kind of event.
    package enum Kind: Equatable, Sendable {
        /// The socket accepts connections.
        case listening
        /// The bind failed with this errno.
        case bindFailed(Int32)
        /// A client connected. Its messages come only after `handshakeSucceeded`.
        case accepted
        /// Accepting failed with this errno: EMFILE means too many open files.
        case acceptFailed(Int32)
        /// The socket connected to a peer.
        case connected
        /// A connect continues in the background.
        case connectDelayed
        /// A connect is tried again after this many milliseconds.
        case connectRetried(Int32)
        /// Both sides agree on protocol and keys: messages can be exchanged.
        case handshakeSucceeded
        case handshakeFailed(HandshakeFailure)
        /// A connection was lost or ended.
        case disconnected
        /// The descriptor of a listener, or of a failed connect, was closed.
        case closed
        /// Closing failed with this errno.
        case closeFailed(Int32)
        /// The last event of the monitor.
        case stopped
        /// An event of a newer libzmq: its number and value.
        case other(UInt16, value: UInt32)
    }

    /// Why a connection ended before its first message.
    package enum HandshakeFailure: Equatable, Sendable {
        /// The connection broke with this errno: the peer is gone, or it does not speak ZeroMQ.
        case connection(Int32)
        /// The peer violates the protocol or uses another security mechanism: one of libzmq's `ZMQ_PROTOCOL_ERROR_`
        /// numbers.
        case protocolError(UInt32)
        /// The ZAP handler refused the peer with this status code; 400 means an unknown key.
        case authentication(UInt32)

        /// One end uses CURVE and the other does not.
        package static let mechanismMismatch = protocolError(UInt32(ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH))
        /// The peer's data cannot be decrypted: it was encrypted for another server key.
        package static let wrongKey = protocolError(UInt32(ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC))
    }

    package let kind: Kind
    /// The descriptor of the connection; nil for kinds without one. It equals the `sourceDescriptor` of frames that are
    /// received over the connection.
    package let descriptor: Int32?
    /// The endpoint that was bound or connected to.
    package let endpoint: String

    /// Decodes libzmq's two frames: a 16-bit event and a 32-bit value in the host's byte order, then the endpoint.
    ///
    /// Nil if the first frame has another size.
    init?(header: UnsafeRawBufferPointer, endpoint: String) {
        guard header.count == 6 else { return nil }
        let event = header.loadUnaligned(as: UInt16.self)
        let value = header.loadUnaligned(fromByteOffset: 2, as: UInt32.self)
        kind = Kind(event: event, value: value)
        descriptor =
            switch kind {
            case .listening, .accepted, .connected, .disconnected, .closed: Int32(bitPattern: value)
            default: nil
            }
        self.endpoint = endpoint
    }
}

extension SocketEvent.Kind {
    fileprivate init(event: UInt16, value: UInt32) {
        let signed = Int32(bitPattern: value)
        self =
            switch Int32(event) {
            case ZMQ_EVENT_LISTENING: .listening
            case ZMQ_EVENT_BIND_FAILED: .bindFailed(signed)
            case ZMQ_EVENT_ACCEPTED: .accepted
            case ZMQ_EVENT_ACCEPT_FAILED: .acceptFailed(signed)
            case ZMQ_EVENT_CONNECTED: .connected
            case ZMQ_EVENT_CONNECT_DELAYED: .connectDelayed
            case ZMQ_EVENT_CONNECT_RETRIED: .connectRetried(signed)
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: .handshakeSucceeded
            case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: .handshakeFailed(.connection(signed))
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: .handshakeFailed(.protocolError(value))
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: .handshakeFailed(.authentication(value))
            case ZMQ_EVENT_DISCONNECTED: .disconnected
            case ZMQ_EVENT_CLOSED: .closed
            case ZMQ_EVENT_CLOSE_FAILED: .closeFailed(signed)
            case ZMQ_EVENT_MONITOR_STOPPED: .stopped
            default: .other(event, value: value)
            }
    }
}

/// The events that a monitor reports.
package struct SocketEventMask: OptionSet, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    /// All events except ``handshakeProtocol``.
    package static let all = SocketEventMask(rawValue: ZMQ_EVENT_ALL & ~ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
    /// The events of binding and accepting.
    package static let listener = SocketEventMask(
        rawValue: ZMQ_EVENT_LISTENING | ZMQ_EVENT_BIND_FAILED | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED)
    /// The events of connecting to a peer.
    package static let connector = SocketEventMask(
        rawValue: ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_DELAYED | ZMQ_EVENT_CONNECT_RETRIED)
    /// The results of handshakes, except violations of the protocol.
    package static let handshake = SocketEventMask(
        rawValue: ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
            | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
    /// Handshakes that violate the protocol. Only for a socket without an established connection.
    ///
    /// libzmq 4.3.4 also reports a damaged message of an established CURVE connection by this event. Reporting changes
    /// errno, which libzmq then mistakes for the message's error: it continues with a failed connection, and aborts the
    /// process at the next heartbeat. Without this event it ends the connection.
    package static let handshakeProtocol = SocketEventMask(rawValue: ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
    /// The ends of connections and listeners.
    package static let ending = SocketEventMask(
        rawValue: ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_CLOSE_FAILED | ZMQ_EVENT_MONITOR_STOPPED)
}

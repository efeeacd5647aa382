import CZeroMQ

/// Something that happened to a connection of a socket.
package struct SocketEvent: Equatable, Sendable {
    /// What happened.
    package enum Kind: Equatable, Sendable {
        /// The socket accepts connections.
        case listening
        /// It could not bind, for this errno.
        case bindFailed(Int32)
        /// Somebody connected. Messages come after `handshakeSucceeded` only.
        case accepted
        /// Accepting failed, for this errno: EMFILE means too many open files.
        case acceptFailed(Int32)
        /// We connected to a peer.
        case connected
        /// A connect goes on in the background.
        case connectDelayed
        /// A connect is tried again after so many milliseconds.
        case connectRetried(Int32)
        /// Both sides agreed on protocol and keys: messages may flow.
        case handshakeSucceeded
        case handshakeFailed(HandshakeFailure)
        /// A connection was lost or ended.
        case disconnected
        /// A descriptor was closed: a listener's, or that of a connect that failed.
        case closed
        /// Closing failed, for this errno.
        case closeFailed(Int32)
        /// No events come after this one.
        case stopped
        /// What a newer libzmq may report: its number and value.
        case other(UInt16, value: UInt32)
    }

    /// Why a connection ended before its first message.
    package enum HandshakeFailure: Equatable, Sendable {
        /// The connection broke, for this errno: the peer has gone, or speaks no ZeroMQ at all.
        case connection(Int32)
        /// The peer breaks the protocol or uses other security; one of libzmq's `ZMQ_PROTOCOL_ERROR_` numbers.
        case protocolError(UInt32)
        /// The ZAP handler refused the peer with this status; 400 is an unknown key.
        case authentication(UInt32)

        /// One end uses CURVE and the other does not.
        package static let mechanismMismatch = protocolError(UInt32(ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH))
        /// What the peer sent cannot be decrypted: it was made for another server key.
        package static let wrongKey = protocolError(UInt32(ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC))
    }

    package let kind: Kind
    /// The connection's descriptor, which a received frame's `sourceDescriptor` equals, where the event has one.
    package let descriptor: Int32?
    /// The endpoint that was bound or connected to.
    package let endpoint: String

    /// Reads libzmq's two frames: a 16-bit event and a 32-bit value in the host's byte order, then the endpoint.
    ///
    /// Nil where the first frame is not of that shape.
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

/// Which events a monitor reports.
package struct SocketEventMask: OptionSet, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    /// Everything except ``handshakeProtocol``.
    package static let all = SocketEventMask(rawValue: ZMQ_EVENT_ALL & ~ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
    /// Everything about binding and accepting.
    package static let listener = SocketEventMask(
        rawValue: ZMQ_EVENT_LISTENING | ZMQ_EVENT_BIND_FAILED | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED)
    /// Everything about connecting to a peer.
    package static let connector = SocketEventMask(
        rawValue: ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_DELAYED | ZMQ_EVENT_CONNECT_RETRIED)
    /// How handshakes end, except those that break the protocol.
    package static let handshake = SocketEventMask(
        rawValue: ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
            | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
    /// Handshakes that break the protocol. Only for a socket without an established connection.
    ///
    /// libzmq 4.3.4 reports a damaged message of an established CURVE connection by this event, too, and takes the
    /// error number that reporting leaves behind for the message's: it goes on with a connection that has failed, and
    /// aborts the process at its next heartbeat. Without this event it ends the connection.
    package static let handshakeProtocol = SocketEventMask(rawValue: ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
    /// The ends of connections and listeners.
    package static let ending = SocketEventMask(
        rawValue: ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_CLOSE_FAILED | ZMQ_EVENT_MONITOR_STOPPED)
}

import ZeroMQ

/// Explains failed handshakes to users.
extension SocketEvent.HandshakeFailure {
    /// Why this worker cannot connect to the coordinator, if further attempts would fail, too; nil if one might succeed.
    func finalReason(endpoint: Endpoint, hasKeys: Bool) -> String? {
        switch self {
        case .authentication:
            "the coordinator at \(endpoint) refused our key: add this folder's worker.public to its allowed-workers "
                + "and start it again"
        case .mechanismMismatch where hasKeys:
            "the coordinator at \(endpoint) uses no keys: leave --keys out here, or give it --keys"
        case .mechanismMismatch:
            "the coordinator at \(endpoint) asks for keys: give --keys DIR"
        case .wrongKey:
            "the coordinator at \(endpoint) has another key than our coordinator.public: copy that file from its host"
        case .protocolError, .connection:
            nil
        }
    }

    /// The likely reasons why a connection ended before its first message. libzmq does not tell the coordinator of
    /// handshakes that break the protocol (``ZeroMQ/SocketEventMask/handshakeProtocol``).
    static func reasonOfSilentEnd(hasKeys: Bool) -> String {
        hasKeys
            ? "it came without keys or with those for another coordinator (copy this folder's coordinator.public to its "
                + "host), or does not speak ZeroMQ"
            : "it came with keys, and this coordinator has no --keys, or it does not speak ZeroMQ"
    }

    /// Why the coordinator rejected a connection.
    func reason(hasKeys: Bool) -> String {
        switch self {
        case .authentication: "its key is not in allowed-workers"
        case .protocolError: Self.reasonOfSilentEnd(hasKeys: hasKeys)
        case .connection: "it does not speak ZeroMQ, has no keys or other ones, or went away"
        }
    }
}

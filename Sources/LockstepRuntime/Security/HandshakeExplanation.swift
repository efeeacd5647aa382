import ZeroMQ

/// Explains failed handshakes to users.
enum HandshakeExplanation {
    /// Why this process cannot connect to the coordinator; nil if another attempt might succeed.
    static func finalReason(_ failure: SocketEvent.HandshakeFailure, endpoint: Endpoint, hasKeys: Bool) -> String? {
        switch failure {
        case .authentication:
            "the coordinator at \(endpoint) rejected our key: add this folder's worker.public to its allowed-workers "
                + "and start the coordinator again"
        case .mechanismMismatch where hasKeys:
            "the coordinator at \(endpoint) uses no keys: leave --keys out here, or start the coordinator with --keys"
        case .mechanismMismatch:
            "the coordinator at \(endpoint) requires keys: give --keys DIR"
        case .wrongKey:
            "the coordinator at \(endpoint) has another key than our coordinator.public: copy that file from its host"
        case .protocolError, .connection:
            nil
        }
    }

    /// What a worker may doubt about a program that closes all its connections.
    static func doubt(endpoint: Endpoint, hasKeys: Bool) -> String {
        "\(endpoint) closes every connection at once: does the coordinator listen there, and does it "
            + (hasKeys ? "use keys, and is our coordinator.public its key?" : "require keys (--keys DIR)?")
    }

    /// The likely reasons why a connection ended before its first message. The coordinator does not receive libzmq's
    /// events of handshakes that break the protocol (``ZeroMQ/SocketEventMask/handshakeProtocol``).
    static func reasonOfSilentEnd(hasKeys: Bool) -> String {
        hasKeys
            ? "its client has no keys or keys for another coordinator (copy this folder's coordinator.public to its "
                + "host), or does not speak ZeroMQ"
            : "its client has keys and this coordinator has no --keys, or it does not speak ZeroMQ"
    }

    /// Why the coordinator rejected a connection.
    static func reason(_ failure: SocketEvent.HandshakeFailure, hasKeys: Bool) -> String {
        switch failure {
        case .authentication: "its client's key is not in allowed-workers"
        case .protocolError: reasonOfSilentEnd(hasKeys: hasKeys)
        case .connection: "its client does not speak ZeroMQ, has no keys or other keys, or disconnected"
        }
    }
}

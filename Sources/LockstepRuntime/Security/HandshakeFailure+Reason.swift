import ZeroMQ

/// What a broken handshake means, for people.
extension SocketEvent.HandshakeFailure {
    /// Why the coordinator and this worker do not come together, if more attempts would change nothing.
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

    /// What may be wrong with a connection that ended without a word and without a reason: a coordinator is not told
    /// of handshakes that break the protocol (``ZeroMQ/SocketEventMask/handshakeProtocol``).
    static func reasonOfSilentEnd(hasKeys: Bool) -> String {
        hasKeys
            ? "it came without keys or with those for another coordinator (copy this folder's coordinator.public to its "
                + "host), or does not speak ZeroMQ"
            : "it came with keys, and this coordinator has no --keys, or it does not speak ZeroMQ"
    }

    /// Why the coordinator did not let a connection in.
    func reason(hasKeys: Bool) -> String {
        switch self {
        case .authentication: "its key is not in allowed-workers"
        case .protocolError: Self.reasonOfSilentEnd(hasKeys: hasKeys)
        case .connection: "it does not speak ZeroMQ, has no keys or other ones, or went away"
        }
    }
}

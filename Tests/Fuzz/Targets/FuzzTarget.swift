/// A decoder of bytes that somebody else wrote: what a peer sends, what a user's file holds.
///
/// Running one proves totality by not trapping, and what it says about a value that comes out by the preconditions in
/// it. The fuzzer (`scripts/fuzz`) and the plain tests run the same code.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// Header and payload of a message.
    case wire
    /// The JSON that a worker is welcomed with.
    case welcome
    /// A safetensors file.
    case model
    /// Images and labels, plain or gzipped.
    case idx
    /// A run configuration in YAML.
    case configuration
    /// Files of keys.
    case keys
    /// What libzmq asks the ZAP handler.
    case zap
    /// Endpoint texts.
    case endpoint

    /// Decodes the bytes, whatever they are.
    ///
    /// - Returns: Whether they were something valid.
    @discardableResult
    package func run(_ bytes: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .wire: decodeMessage(bytes)
        case .welcome: decodeWelcome(bytes)
        case .model: decodeModel(bytes)
        case .idx: decodeDataset(bytes)
        case .configuration: decodeConfiguration(bytes)
        case .keys: decodeKeys(bytes)
        case .zap: decodeZAPRequest(bytes)
        case .endpoint: decodeEndpoint(bytes)
        }
    }

    /// Decodes the bytes of an array.
    @discardableResult
    package func run(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { run($0) }
    }
}

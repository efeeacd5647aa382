/// A decoder of bytes that somebody else wrote: what a peer sends, what a user's file holds.
///
/// Running one proves totality by not trapping, and what it says about a value that comes out by the preconditions in
/// it. The fuzzer (`scripts/fuzz`) and the plain tests run the same code.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// Header and payload of a message.
    case wire
    /// What goes over the unix socket that shares memory.
    case region
    /// The JSON that a worker is welcomed with.
    case welcome
    /// The JSON that tells onlookers about a run.
    case status
    /// A safetensors file.
    case model
    /// A state of a run.
    case checkpoint
    /// A run's `summary.json`.
    case summary
    /// Images and labels, plain or gzipped.
    case idx
    /// The textbook's form of MNIST.
    case pickle
    /// Samples in CSV.
    case table
    /// PNG, PGM, or IDX images.
    case picture
    /// A run configuration in YAML.
    case configuration
    /// Files of keys.
    case keys
    /// What libzmq asks the ZAP handler.
    case zap
    /// Endpoint texts.
    case endpoint
    /// The record of a coordinator's events, replayed.
    case events

    /// Decodes the bytes, whatever they are.
    ///
    /// - Returns: Whether they were something valid.
    @discardableResult
    package func run(_ bytes: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .wire: decodeMessage(bytes)
        case .region: decodeRegionMessage(bytes)
        case .welcome: decodeWelcome(bytes)
        case .status: decodeStatus(bytes)
        case .model: decodeModel(bytes)
        case .checkpoint: decodeCheckpoint(bytes)
        case .summary: decodeSummary(bytes)
        case .idx: decodeDataset(bytes)
        case .pickle: decodePickle(bytes)
        case .table: decodeTable(bytes)
        case .picture: decodePicture(bytes)
        case .configuration: decodeConfiguration(bytes)
        case .keys: decodeKeys(bytes)
        case .zap: decodeZAPRequest(bytes)
        case .endpoint: decodeEndpoint(bytes)
        case .events: replayEvents(bytes)
        }
    }

    /// Decodes the bytes of an array.
    @discardableResult
    package func run(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { run($0) }
    }
}

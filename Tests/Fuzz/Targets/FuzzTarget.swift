/// A decoder of bytes from outside: a peer's message, a user's file.
///
/// A run that does not trap shows that the decoder is total for these bytes; preconditions check the decoded value. The
/// fuzzer (`scripts/fuzz`) and the plain tests run the same code.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// Header and payload of a message.
    case wire
    /// Parts of an answer's chunks.
    case parts
    /// A message on the unix socket that hands over shared memory.
    case region
    /// The JSON in a worker's welcome.
    case welcome
    /// The JSON that answers a status request.
    case status
    /// A safetensors file.
    case model
    /// A state of a run.
    case checkpoint
    /// A run's `summary.json`.
    case summary
    /// Images and labels, plain or gzipped.
    case idx
    /// The pickle in which the textbook ships MNIST.
    case pickle
    /// Samples in CSV.
    case table
    /// PNG, PGM, or IDX images.
    case picture
    /// A run configuration in YAML.
    case configuration
    /// Files of keys.
    case keys
    /// A request of libzmq to the ZAP handler.
    case zap
    /// Endpoint texts.
    case endpoint
    /// The record of a coordinator's events, replayed.
    case events

    /// Decodes the bytes, whatever they are.
    ///
    /// - Returns: Whether they were valid.
    @discardableResult
    package func run(_ bytes: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .wire: decodeMessage(bytes)
        case .parts: gatherParts(bytes)
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

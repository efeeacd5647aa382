/// As what weights and gradients travel; part of the arithmetic, for a single process computes the same.
///
/// With bfloat16 gradients are computed on weights that are rounded to it, while the weights that the optimizer updates
/// keep float32. Every gradient that is a shard's, and every sum of some of them, is rounded by whoever makes it; only
/// the sum over all shards is not, where it is one.
package enum CommunicationDataType: String, CaseIterable, Codable, Sendable {
    case float32
    case bfloat16

    /// Bytes of an element in a message.
    package var elementSize: Int { self == .float32 ? 4 : 2 }

    /// Whether what travels is rounded.
    var roundsToBFloat16: Bool { self == .bfloat16 }
}

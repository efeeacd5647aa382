/// Damage to bytes on their way through the relay.
struct RelayDamage: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// A bit is flipped.
        case flip
        /// The connection ends in the middle of the bytes.
        case truncate
        /// The bytes arrive twice.
        case duplicate
        /// The bytes before them arrive once more.
        case replay
        /// The second part of the bytes arrives before the first.
        case reorder
    }

    let kind: Kind
    let way: RelayConnection.Way
    /// A random word that chooses the place.
    let place: UInt32

    /// The bytes that arrive in place of those that were sent.
    ///
    /// - Parameters:
    ///   - bytes: At least one.
    ///   - earlier: The bytes before them.
    /// - Returns: The bytes, and whether the connection ends after them.
    func apply(to bytes: ArraySlice<UInt8>, after earlier: [UInt8]) -> (bytes: [UInt8], endsConnection: Bool) {
        let cut = bytes.startIndex + Int(place) % bytes.count
        switch kind {
        case .flip:
            var result = Array(bytes)
            let bit = Int(place) % (8 * bytes.count)
            result[bit / 8] ^= 1 << (bit % 8)
            return (result, false)
        case .truncate: return (Array(bytes[..<cut]), true)
        case .duplicate: return (Array(bytes) + Array(bytes), false)
        case .replay: return (Array(bytes) + earlier, false)
        case .reorder: return (Array(bytes[cut...]) + Array(bytes[..<cut]), false)
        }
    }
}

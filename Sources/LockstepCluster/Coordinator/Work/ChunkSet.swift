/// A set of chunks of one version of the weights.
struct ChunkSet: Hashable, Sendable {
    private(set) var version: UInt64
    private(set) var count = 0
    private var words: [UInt64]
    let capacity: Int

    /// The empty set of `version`, whose weights have `capacity` chunks.
    init(version: UInt64, capacity: Int) {
        self.version = version
        self.capacity = capacity
        self.words = Array(repeating: 0, count: (capacity + 63) / 64)
    }

    /// Makes this the empty set of `version`, unless it is a set of that version already.
    mutating func reset(to version: UInt64) {
        guard self.version != version else { return }
        self.version = version
        clear()
    }

    /// Empties the set.
    mutating func clear() {
        count = 0
        for index in words.indices { words[index] = 0 }
    }

    func contains(_ chunk: Int) -> Bool {
        words[chunk / 64] & (1 << UInt64(chunk % 64)) != 0
    }

    /// Adds a chunk; returns false if the set contains it already.
    mutating func insert(_ chunk: Int) -> Bool {
        guard !contains(chunk) else { return false }
        words[chunk / 64] |= 1 << UInt64(chunk % 64)
        count += 1
        return true
    }

    /// Whether the set contains all chunks of `version`.
    func isComplete(_ version: UInt64) -> Bool {
        self.version == version && count == capacity
    }
}

/// The chunk sets of two versions. Even and odd versions alternate, as the weights do.
struct VersionedChunkSets: Hashable, Sendable {
    private var even: ChunkSet
    private var odd: ChunkSet

    init(capacity: Int) {
        // No step has these versions, so no chunk counts as present.
        even = ChunkSet(version: .max - 1, capacity: capacity)
        odd = ChunkSet(version: .max, capacity: capacity)
    }

    /// The chunks of one version.
    var capacity: Int { even.capacity }

    subscript(version: UInt64) -> ChunkSet {
        _read {
            if version & 1 == 0 { yield even } else { yield odd }
        }
        _modify {
            if version & 1 == 0 { yield &even } else { yield &odd }
        }
    }
}

import LockstepSharding

/// Shard counts and batch sizes for which the properties are checked: powers of two and others, more shards than samples,
/// one shard, one sample, a whole data set, and counts whose product overflows.
enum Cases {
    static let shards = [1, 2, 3, 4, 5, 7, 8, 13, 16, 31, 64, 100, 1000, 1024]
    static let samples = [1, 2, 3, 7, 10, 16, 59, 1000, 1023, 50_000, .max]

    /// All combinations of `shards` up to a limit with `samples`.
    static func trees(upTo limit: Int = 1024) -> [SummationTree] {
        shards.filter { $0 <= limit }.flatMap { shards in
            samples.map { SummationTree(shards: shards, samples: $0) }
        }
    }
}

extension SummationTree {
    /// All canonical nodes, by asking about each raw value.
    var allNodes: [NodeID] {
        (0..<UInt32(nodeLimit)).map(NodeID.init(rawValue:)).filter(contains)
    }
}

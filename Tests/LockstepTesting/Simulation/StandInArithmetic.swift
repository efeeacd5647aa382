import LockstepSharding

/// Arithmetic that stands in for a network's: small whole numbers, so that every sum is exact, and every sample has an
/// element of its own, so that a sum shows which samples are in it and how often.
///
/// The weights are a number for each chunk that follows from all gradients so far: two runs end with the same numbers
/// only if every step of both added the same samples up under the same weights.
enum StandInArithmetic {
    /// The initial weights of a chunk.
    static func initialWeights(chunk: Int) -> UInt64 {
        mix(UInt64(chunk) &+ 1)
    }

    /// What all chunks of the weights come to.
    static func digest(_ weights: [UInt64]) -> UInt64 {
        weights.reduce(0x243F_6A88_85A3_08D3) { mix($0 ^ $1) }
    }

    /// An element of a sample's gradient under weights of this digest: 1 to 256.
    static func gradient(sample: Int, chunk: Int, digest: UInt64) -> Float {
        Float(1 + mix(digest &+ UInt64(sample) &* 1_000_003 &+ UInt64(chunk) &* 7_919) % 256)
    }

    /// A node's gradient: an element for each sample of the mini-batch, 0 where the node does not have it.
    static func gradient(
        of node: NodeID, in tree: SummationTree, chunk: Int, digest: UInt64, into elements: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        let samples = tree.samples(of: node)
        for element in 0..<count {
            elements[element] =
                samples.contains(element) ? gradient(sample: element, chunk: chunk, digest: digest) : 0
        }
    }

    static func loss(of node: NodeID, in tree: SummationTree, digest: UInt64) -> Double {
        tree.samples(of: node).reduce(0) { $0 + Double(gradient(sample: $1, chunk: -1 & 0xFFFF, digest: digest)) }
    }

    static func score(block: UInt32, digest: UInt64) -> UInt64 {
        mix(digest ^ UInt64(block) &* 0x9E37_79B9)
    }

    /// The next weights of a chunk.
    static func update(_ weights: UInt64, sum: UnsafePointer<Float>, count: Int) -> UInt64 {
        (0..<count).reduce(weights) { mix($0 &* 31 &+ UInt64(max(0, sum[$1]))) }
    }
}

package import LockstepData
package import LockstepSharding

/// What an evaluation scores: a split, or its first samples in whole blocks.
///
/// A block of a part is a block of its split, so workers need to know nothing of parts.
package struct EvaluationPart: Hashable, Sendable {
    package var split: Split
    /// The samples that are asked for; nil: all. Where a block has some of them, the whole block is scored.
    package var samples: Int?

    package init(_ split: Split, samples: Int? = nil) {
        self.split = split
        self.samples = samples
    }

    /// The part's blocks, of those of its split.
    package func blocks(of split: BlockPartition) -> Range<Int> {
        guard let samples else { return 0..<split.count }
        // Without the last block, all have the same number of rows.
        let needed = samples / BlockPartition.evaluationRows + (samples % BlockPartition.evaluationRows == 0 ? 0 : 1)
        return 0..<min(needed, split.count)
    }
}

/// Long runs of samples go through the network in blocks, so that memory is bounded.
///
/// Block sizes are part of the arithmetic: a row of a matrix product depends on how many rows share the call.
package struct BlockPartition: Sendable {
    /// Rows of a training block, counted from its shard's start.
    package static let trainingRows = 1_024
    /// Rows of an evaluation block, counted from its split's start.
    package static let evaluationRows = 1_000

    package let range: Range<Int>
    package let rows: Int

    package init(_ range: Range<Int>, rows: Int) {
        precondition(rows >= 1)
        self.range = range
        self.rows = rows
    }

    /// Blocks, the last of which may be shorter; none for an empty range.
    package var count: Int {
        (range.count + rows - 1) / rows
    }

    package subscript(index: Int) -> Range<Int> {
        let start = range.lowerBound + index * rows
        return start..<min(start + rows, range.upperBound)
    }

    /// The different block sizes that occur.
    package var sizes: Set<Int> {
        Set((0..<count).map { self[$0].count })
    }
}

/// Cuts a range of samples into blocks: a shard into the blocks that go through the model in one pass, so memory is
/// bounded, or a split into the units of evaluation, and those into such blocks.
///
/// Block sizes are part of the arithmetic: the rounding of a row in a matrix product depends on how many rows share the
/// call.
package struct BlockPartition: Sendable {
    /// Samples of a unit of evaluation, counted from its split's start.
    package static let evaluationRows = 1_000

    package let range: Range<Int>
    package let rows: Int

    package init(_ range: Range<Int>, rows: Int) {
        precondition(rows >= 1)
        self.range = range
        self.rows = rows
    }

    /// The number of blocks; the last one may be shorter. 0 for an empty range.
    package var count: Int {
        (range.count + rows - 1) / rows
    }

    package subscript(index: Int) -> Range<Int> {
        let start = range.lowerBound + index * rows
        return start..<min(start + rows, range.upperBound)
    }

    /// The distinct block sizes.
    package var sizes: Set<Int> {
        Set((0..<count).map { self[$0].count })
    }
}

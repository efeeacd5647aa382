/// A parameter buffer cut into segments (one for each layer) and those into chunks.
///
/// A chunk is what is sent, reduced, updated and published as a whole. It has at most ``maximumElements`` elements,
/// counted from its segment's start, whatever the transport, so the sums don't depend on how bytes travel.
package struct ChunkLayout: Sendable, Equatable {
    /// The most float32 elements in a chunk: 1 MiB, the largest payload frame.
    package static let maximumElements = 262_144

    /// A range of the buffer, all of it in one segment.
    package struct Chunk: Sendable, Equatable {
        /// The index of the segment.
        package let segment: Int
        /// The chunk's first element, counted from the segment's start.
        package let offset: Int
        /// The chunk's elements, counted from the buffer's start.
        package let range: Range<Int>
    }

    /// The segments' elements, counted from the buffer's start.
    package let segments: [Range<Int>]
    /// The most elements in a chunk of this layout.
    package let maximumElements: Int
    /// All chunks, in the buffer's order.
    package let chunks: [Chunk]

    /// The index of each segment's first chunk, and at the end the number of chunks.
    private let firstChunks: [Int]

    /// - Parameters:
    ///   - segments: Ranges of the buffer in ascending order that don't overlap. An empty one has no chunks.
    ///   - maximumElements: At least 1. Tests choose little ones, to reach many chunks with few numbers.
    package init(segments: [Range<Int>], maximumElements: Int = ChunkLayout.maximumElements) {
        precondition(maximumElements >= 1, "a chunk has at least one element, not \(maximumElements)")
        var chunks: [Chunk] = []
        var firstChunks: [Int] = []
        var end = 0
        for (index, segment) in segments.enumerated() {
            precondition(segment.lowerBound >= end, "segment \(index) starts before \(end)")
            end = segment.upperBound
            firstChunks.append(chunks.count)
            for start in stride(from: segment.lowerBound, to: end, by: maximumElements) {
                let range = start..<start + min(maximumElements, end - start)
                chunks.append(Chunk(segment: index, offset: start - segment.lowerBound, range: range))
            }
        }
        self.segments = segments
        self.maximumElements = maximumElements
        self.chunks = chunks
        self.firstChunks = firstChunks + [chunks.count]
    }

    /// The indices in ``chunks`` of one segment's chunks.
    package func chunks(ofSegment s: Int) -> Range<Int> {
        firstChunks[s]..<firstChunks[s + 1]
    }

    /// Finds the chunk with exactly these elements. Answers for any three numbers.
    ///
    /// - Parameters:
    ///   - segment: The index of a segment.
    ///   - offset: The first element, counted from the segment's start.
    ///   - count: The number of elements.
    /// - Returns: The index in ``chunks``, or nil if this is not one of them.
    package func index(segment: Int, offset: Int, count: Int) -> Int? {
        guard segments.indices.contains(segment), offset >= 0, offset.isMultiple(of: maximumElements) else {
            return nil
        }
        let own = chunks(ofSegment: segment)
        let chunk = offset / maximumElements
        guard chunk < own.count, chunks[own.lowerBound + chunk].range.count == count else { return nil }
        return own.lowerBound + chunk
    }
}

/// A parameter buffer, cut into segments (one per layer), each cut into chunks.
///
/// A chunk is the unit of sending, reducing, updating and publishing. Chunks have ``maximumElements`` elements, counted
/// from their segment's start (a segment's last chunk may be shorter), with every transport: the sums don't depend on
/// how the bytes are sent.
package struct ChunkLayout: Sendable, Equatable {
    /// The largest number of float32 elements in a chunk: 1 MiB, the largest payload frame.
    package static let maximumElements = 262_144

    /// A range of the buffer inside one segment.
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
    /// The largest number of elements in a chunk of this layout.
    package let maximumElements: Int
    /// All chunks, in the buffer's order.
    package let chunks: [Chunk]

    /// The index of each segment's first chunk; the last entry is the number of chunks.
    private let firstChunks: [Int]

    /// - Parameters:
    ///   - segments: Ranges of the buffer in ascending order that don't overlap. An empty segment has no chunks.
    ///   - maximumElements: At least 1. Tests choose small values, to get many chunks from few elements.
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

    /// The indices in ``chunks`` of a segment's chunks.
    package func chunks(ofSegment s: Int) -> Range<Int> {
        firstChunks[s]..<firstChunks[s + 1]
    }

    /// Finds the chunk with exactly these elements. Total: any three integers are allowed, a peer may have sent them.
    ///
    /// - Parameters:
    ///   - segment: The index of a segment.
    ///   - offset: The first element, counted from the segment's start.
    ///   - count: The number of elements.
    /// - Returns: The index in ``chunks``; nil if no chunk has these elements.
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

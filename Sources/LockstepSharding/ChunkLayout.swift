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

    /// Finds the part of a chunk that has these elements. Total: any three integers are allowed, a peer may have sent them.
    ///
    /// - Parameters:
    ///   - segment: The index of a segment.
    ///   - offset: The first element, counted from the segment's start.
    ///   - count: The number of elements.
    /// - Returns: The part; nil if there are no such elements, or they do not lie within one chunk.
    package func part(segment: Int, offset: Int, count: Int) -> ChunkPart? {
        guard segments.indices.contains(segment), offset >= 0, count > 0 else { return nil }
        let own = chunks(ofSegment: segment)
        let (chunk, start) = offset.quotientAndRemainder(dividingBy: maximumElements)
        guard chunk < own.count, case let size = chunks[own.lowerBound + chunk].range.count, start < size,
            count <= size - start
        else { return nil }
        return ChunkPart(chunk: own.lowerBound + chunk, elements: start..<start + count, of: size)
    }

    /// All of a chunk.
    package func whole(_ chunk: Int) -> ChunkPart {
        ChunkPart(chunk: chunk, elements: 0..<chunks[chunk].range.count, of: chunks[chunk].range.count)
    }
}

/// The elements of one chunk that a frame carries: all of them, or fewer over a slow link.
package struct ChunkPart: Hashable, Sendable, CustomStringConvertible {
    /// The chunk's index in its layout.
    package let chunk: Int
    /// The part's elements, counted from the chunk's start.
    package let elements: Range<Int>
    /// The chunk's elements.
    package let chunkElements: Int

    /// - Parameters:
    ///   - chunk: The chunk's index.
    ///   - elements: At least one, within the chunk.
    ///   - count: The chunk's elements.
    package init(chunk: Int, elements: Range<Int>, of count: Int) {
        self.chunk = chunk
        self.elements = elements
        self.chunkElements = count
    }

    /// Whether it is all of the chunk.
    package var isWhole: Bool { elements.count == chunkElements }
    package var description: String {
        isWhole ? "chunk \(chunk)" : "elements \(elements) of chunk \(chunk)"
    }

    /// Whether the chunk ends with it.
    package var isLast: Bool { elements.upperBound == chunkElements }
}

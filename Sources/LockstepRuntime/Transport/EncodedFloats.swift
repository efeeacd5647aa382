import LockstepNumerics
import LockstepSharding

/// All parameters encoded as bfloat16 for messages, chunk by chunk.
final class EncodedFloats {
    private let chunks: ChunkLayout
    private let memory: FloatBuffer
    /// The number of the content that each chunk holds, such as a version; nil: unknown.
    private var contents: [UInt64?]

    init(chunks: ChunkLayout) {
        self.chunks = chunks
        memory = FloatBuffer(count: ((chunks.chunks.last?.range.upperBound ?? 0) + 1) / 2)
        contents = Array(repeating: nil, count: chunks.chunks.count)
    }

    /// Removes the contents of all chunks.
    func removeAll() {
        for chunk in contents.indices { contents[chunk] = nil }
    }

    /// Encodes a chunk.
    ///
    /// - Parameters:
    ///   - chunk: The chunk's index.
    ///   - content: A number for the floats' content. A chunk that already holds this content is not encoded again.
    ///     Nil: always encode.
    ///   - floats: All parameters, rounded to bfloat16.
    /// - Returns: Two bytes per element, valid until the chunk is encoded again.
    func bytes(of chunk: Int, content: UInt64? = nil, from floats: FloatBuffer) -> UnsafeRawBufferPointer {
        let range = chunks.chunks[chunk].range
        let halves = UnsafeMutableRawPointer(memory.pointer).assumingMemoryBound(to: UInt16.self) + range.lowerBound
        if content == nil || contents[chunk] != content {
            encodeBFloat16(floats.pointer + range.lowerBound, into: halves, count: range.count)
            contents[chunk] = content
        }
        return UnsafeRawBufferPointer(start: halves, count: 2 * range.count)
    }
}

import LockstepNumerics
import LockstepSharding

/// Memory for numbers as they travel where that is bfloat16: those of all parameters, chunk by chunk.
final class EncodedFloats {
    private let chunks: ChunkLayout
    private let memory: FloatBuffer
    /// What each chunk holds, as its user numbers it.
    private var contents: [UInt64?]

    init(chunks: ChunkLayout) {
        self.chunks = chunks
        memory = FloatBuffer(count: ((chunks.chunks.last?.range.upperBound ?? 0) + 1) / 2)
        contents = Array(repeating: nil, count: chunks.chunks.count)
    }

    /// A chunk's bytes, valid until the chunk is asked for with another number.
    ///
    /// - Parameters:
    ///   - chunk: The chunk's index.
    ///   - content: Names what is encoded: the same again is not encoded anew. Nil: always.
    ///   - floats: All parameters, rounded to bfloat16.
    /// - Returns: Two bytes an element.
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

#if canImport(Glibc)
    import Glibc
#endif

/// A fixed run of float32 at a fixed address, aligned to 64 bytes.
///
/// Shared by reference; who may write when is the owner's contract, not the buffer's.
package final class FloatBuffer: @unchecked Sendable {
    package let pointer: UnsafeMutablePointer<Float>
    package let count: Int
    private let owner: AnyObject?

    /// Allocates `count` zeros. Untouched pages cost no memory.
    package init(count: Int) {
        precondition(count >= 0)
        let bytes = max(64, (count * MemoryLayout<Float>.stride + 63) & ~63)
        guard let memory = aligned_alloc(64, bytes) else { fatalError("out of memory: \(bytes) bytes") }
        memset(memory, 0, bytes)
        self.pointer = memory.bindMemory(to: Float.self, capacity: bytes / MemoryLayout<Float>.stride)
        self.count = count
        self.owner = nil
    }

    /// Refers to memory that `owner` keeps alive, such as a region shared between processes.
    package init(memory: UnsafeMutableBufferPointer<Float>, owner: AnyObject) {
        guard let base = memory.baseAddress else { preconditionFailure("a buffer over no memory") }
        self.pointer = base
        self.count = memory.count
        self.owner = owner
    }

    deinit {
        if owner == nil { free(pointer) }
    }

    package var buffer: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: pointer, count: count)
    }
}

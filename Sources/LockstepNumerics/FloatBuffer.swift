#if canImport(Glibc)
    import Glibc
#endif

/// A fixed run of float32 at a fixed address, aligned to 64 bytes at least.
///
/// Shared by reference; who may write when is the owner's contract, not the buffer's.
package final class FloatBuffer: @unchecked Sendable {
    package let pointer: UnsafeMutablePointer<Float>
    package let count: Int
    private let owner: Storage

    private enum Storage {
        /// Pages of this many bytes, mapped by the buffer itself.
        case mapping(bytes: Int)
        /// Memory that somebody else unmaps once this reference is gone.
        case shared(AnyObject)
    }

    /// Maps `count` zeros. A page costs memory from its first write on; untouched ones cost none.
    package init(count: Int) {
        precondition(count >= 0)
        let bytes = max(1, count) * MemoryLayout<Float>.stride
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0), memory != MAP_FAILED else {
            fatalError("out of memory: \(bytes) bytes")
        }
        self.pointer = memory.bindMemory(to: Float.self, capacity: max(1, count))
        self.count = count
        self.owner = .mapping(bytes: bytes)
    }

    /// Refers to memory that `owner` keeps alive, such as a region shared between processes.
    package init(memory: UnsafeMutableBufferPointer<Float>, owner: AnyObject) {
        guard let base = memory.baseAddress else { preconditionFailure("a buffer over no memory") }
        self.pointer = base
        self.count = memory.count
        self.owner = .shared(owner)
    }

    deinit {
        if case .mapping(let bytes) = owner { munmap(pointer, bytes) }
    }

    package var buffer: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: pointer, count: count)
    }

    /// A copy of the values, which outlives the buffer.
    package var values: [Float] {
        withExtendedLifetime(self) { Array(buffer) }
    }
}

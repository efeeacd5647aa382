import Glibc

/// Zeros at a fixed address, at the start of a page; a page takes memory from its first write on.
final class AlignedFloats {
    let pointer: UnsafeMutablePointer<Float>
    let count: Int
    let byteCount: Int

    /// - Throws: ``ComputeError/outOfMemory(bytes:)``.
    init(count: Int) throws(ComputeError) {
        let byteCount = max(1, count) * MemoryLayout<Float>.stride
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0), memory != MAP_FAILED else {
            throw .outOfMemory(bytes: byteCount)
        }
        pointer = memory.bindMemory(to: Float.self, capacity: max(1, count))
        self.count = count
        self.byteCount = byteCount
    }

    deinit {
        munmap(pointer, byteCount)
    }
}

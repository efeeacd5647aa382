#if canImport(Glibc)
    import Glibc
#endif

/// A fixed number of float32 at a fixed address, aligned to at least 64 bytes.
///
/// Shared by reference. The owner decides which thread may write when; the buffer does not check it.
package final class FloatBuffer: @unchecked Sendable {
    package let pointer: UnsafeMutablePointer<Float>
    package let count: Int
    private let owner: Storage

    private enum Storage {
        /// The buffer itself has mapped this many bytes.
        case mapping(bytes: Int)
        /// The referenced object keeps the memory mapped.
        case shared(AnyObject)
    }

    /// Maps `count` zeros. A page takes memory from its first write on.
    package init(count: Int) {
        precondition(count >= 0)
        let bytes = max(1, count) * MemoryLayout<Float>.stride
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0), memory != MAP_FAILED else {
            exitOutOfMemory(bytes: bytes)
        }
        self.pointer = memory.bindMemory(to: Float.self, capacity: max(1, count))
        self.count = count
        self.owner = .mapping(bytes: bytes)
    }

    /// Makes a buffer over memory that `owner` keeps alive, such as a region shared between processes.
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

    /// The sum of the values' bit patterns, modulo 2^32: any single bit that changes changes it.
    package var bitSum: UInt32 {
        withExtendedLifetime(self) { sumBits(pointer, count: count) }
    }

    /// A copy of the values.
    package var values: [Float] {
        withExtendedLifetime(self) { Array(buffer) }
    }
}

/// Ends the process with one line and the status of a system that refuses memory (EX_OSERR): no caller can do without.
private func exitOutOfMemory(bytes: Int) -> Never {
    let line =
        "lockstep: cannot map \(bytes) bytes of memory: \(String(cString: strerror(errno))); "
        + "raise the limit (ulimit -v), or use smaller layers\n"
    _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    exit(71)
}

import Glibc
import LockstepSystem

/// Page-aligned memory, unmapped with its last reference.
final class MappedMemory: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    /// Maps zeros. A page takes memory from its first write on.
    init(byteCount: Int, subject: String) throws(DataError) {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard byteCount > 0, let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0), base != MAP_FAILED
        else { throw DataError(.outOfMemory(byteCount: byteCount), subject: subject) }
        bytes = UnsafeMutableRawBufferPointer(start: base, count: byteCount)
    }

    /// Maps the whole content of a file for reading; the file must not be empty.
    init(readingFrom file: InputFile) throws(DataError) {
        guard let base = mmap(nil, file.size, PROT_READ, MAP_PRIVATE, file.descriptor.number, 0), base != MAP_FAILED
        else { throw DataError(system: errno, subject: file.path) }
        bytes = UnsafeMutableRawBufferPointer(start: base, count: file.size)
    }

    deinit {
        munmap(bytes.baseAddress, bytes.count)
    }
}

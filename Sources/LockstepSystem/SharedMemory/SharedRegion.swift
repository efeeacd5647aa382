import CLinux
import Glibc

/// Memory that several processes share: a memory file (memfd) and this process's mapping of it.
///
/// The process that makes a region sets its size, seals it and touches every page: later accesses in any process cause
/// no page fault and no SIGBUS, and cannot run out of memory. The region has no name in any file system. It is passed
/// to other processes as an open file over a unix socket, and is freed with the last process that has it.
package final class SharedRegion: @unchecked Sendable {
    /// What a process that gets the file may do with it.
    package enum Access: Sendable {
        case read
        case readAndWrite
    }

    /// The region's memory, aligned to a page.
    package let bytes: UnsafeMutableRawBufferPointer
    private let file: FileDescriptor

    /// The file, for sending it to another process.
    package var descriptor: Int32 { file.number }

    /// Makes a region of zeros that this process can write to.
    ///
    /// - Parameters:
    ///   - name: The name in /proc/PID/maps.
    ///   - byteCount: The size; at least 1.
    ///   - others: What a process that gets the file may do. No process can change its size.
    /// - Throws: `SystemError` if there is not enough memory, or no such seal (Linux before 5.1).
    package init(name: String, byteCount: Int, others: Access) throws(SystemError) {
        let file = try FileDescriptor(linux_memfd_create(name), "make shared memory", path: name)
        let code = posix_fallocate(file.number, 0, byteCount)
        guard code == 0 else {
            throw SystemError("get \(byteCount) bytes of shared memory for", code: code, path: name)
        }
        let bytes = try map(file.number, byteCount, PROT_READ | PROT_WRITE, name)
        let seals = linux_seal_shrink | linux_seal_grow | (others == .read ? linux_seal_future_write : 0)
        guard fcntl(file.number, linux_add_seals, seals | linux_seal_seal) == 0 else {
            let error = SystemError.last("seal shared memory", path: name)
            munmap(bytes.baseAddress, byteCount)
            throw error
        }
        self.bytes = bytes
        self.file = file
    }

    /// Makes a region with a copy of bytes. No process can change it, except this one by ``overwrite(at:with:)``.
    ///
    /// - Parameters:
    ///   - name: The name in /proc/PID/maps.
    ///   - content: At least one byte.
    /// - Throws: `SystemError` if there is not enough memory.
    package convenience init(name: String, copying content: UnsafeRawBufferPointer) throws(SystemError) {
        let draft = try SharedRegionDraft(name: name, byteCount: content.count)
        draft.bytes.copyMemory(from: content)
        try self.init(sealing: draft)
    }

    /// Makes a region of the memory that has been written. No process can change it afterwards, except this one by
    /// ``overwrite(at:with:)``; before Linux 5.1 not even this one can.
    ///
    /// - Parameter draft: The memory. Pointers to it must not be used afterwards.
    /// - Throws: `SystemError` if it cannot be sealed or protected.
    package init(sealing draft: consuming SharedRegionDraft) throws(SystemError) {
        let name = draft.name
        let bytes = draft.memory.release()
        let file = draft.file
        let seals = linux_seal_shrink | linux_seal_grow | linux_seal_seal
        // This process's mapping stays writable below its protection.
        if mprotect(bytes.baseAddress, bytes.count, PROT_READ) == 0,
            fcntl(file.number, linux_add_seals, seals | linux_seal_future_write) == 0
        {
            self.bytes = bytes
        } else {
            munmap(bytes.baseAddress, bytes.count)
            guard fcntl(file.number, linux_add_seals, seals | linux_seal_write) == 0 else {
                throw .last("seal shared memory", path: name)
            }
            self.bytes = try map(file.number, bytes.count, PROT_READ, name)
        }
        self.file = file
    }

    /// Replaces bytes that no process writes to otherwise, for all processes.
    ///
    /// - Parameters:
    ///   - offset: The first byte to replace.
    ///   - content: At least one byte.
    /// - Throws: `SystemError` if this process has only read access.
    package func overwrite(at offset: Int, with content: UnsafeRawBufferPointer) throws(SystemError) {
        precondition(offset >= 0 && content.count >= 1 && offset + content.count <= bytes.count)
        let page = Int(getpagesize())
        let start = offset / page * page
        let pages = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<offset + content.count])
        guard mprotect(pages.baseAddress, pages.count, PROT_READ | PROT_WRITE) == 0 else {
            throw .last("write to shared memory", path: nil)
        }
        UnsafeMutableRawBufferPointer(rebasing: bytes[offset..<offset + content.count]).copyMemory(from: content)
        guard mprotect(pages.baseAddress, pages.count, PROT_READ) == 0 else {
            throw .last("protect shared memory", path: nil)
        }
    }

    /// Maps a region that another process has made.
    ///
    /// - Parameters:
    ///   - file: A file that came over a socket. It is not trusted.
    ///   - name: The name for errors.
    ///   - byteCount: The required size.
    ///   - access: The access of this process.
    /// - Throws: `SystemError` if the file has another size or could shrink later.
    package init(mapping file: consuming FileDescriptor, name: String, byteCount: Int, access: Access)
        throws(SystemError)
    {
        var status = stat()
        let seals = fcntl(file.number, linux_get_seals)
        guard seals >= 0, seals & linux_seal_shrink != 0, fstat(file.number, &status) == 0,
            status.st_size == byteCount, byteCount > 0
        else { throw SystemError("use the received file as shared memory for", code: EINVAL, path: name) }
        self.bytes = try map(file.number, byteCount, access == .read ? PROT_READ : PROT_READ | PROT_WRITE, name)
        self.file = file
    }

    deinit {
        munmap(bytes.baseAddress, bytes.count)
    }
}

/// Shared memory that this process still writes to, before it becomes a ``SharedRegion``.
package struct SharedRegionDraft: ~Copyable {
    let name: String
    fileprivate let memory: WritableMapping
    fileprivate let file: FileDescriptor

    /// - Parameters:
    ///   - name: The name in /proc/PID/maps.
    ///   - byteCount: The size; at least 1.
    /// - Throws: `SystemError` if there is not enough memory.
    package init(name: String, byteCount: Int) throws(SystemError) {
        let file = try FileDescriptor(linux_memfd_create(name), "make shared memory", path: name)
        guard byteCount > 0, ftruncate(file.number, byteCount) == 0,
            let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, file.number, 0), base != MAP_FAILED
        else { throw .last("get \(byteCount) bytes of shared memory for", path: name) }
        self.name = name
        self.file = file
        self.memory = WritableMapping(bytes: UnsafeMutableRawBufferPointer(start: base, count: byteCount))
    }

    /// The memory, initially zeros. A page takes up memory after the first write to it.
    package var bytes: UnsafeMutableRawBufferPointer { memory.bytes }
}

/// A writable mapping. The deinitializer unmaps it.
package struct WritableMapping: ~Copyable {
    let bytes: UnsafeMutableRawBufferPointer

    /// Returns the mapping, which its new owner unmaps.
    consuming func release() -> UnsafeMutableRawBufferPointer {
        let bytes = bytes
        discard self
        return bytes
    }

    deinit {
        munmap(bytes.baseAddress, bytes.count)
    }
}

/// Maps a whole file and touches all its pages.
private func map(
    _ file: Int32, _ byteCount: Int, _ protection: Int32, _ name: String
) throws(SystemError) -> UnsafeMutableRawBufferPointer {
    guard let base = mmap(nil, byteCount, protection, MAP_SHARED | MAP_POPULATE, file, 0), base != MAP_FAILED else {
        throw .last("map shared memory", path: name)
    }
    return UnsafeMutableRawBufferPointer(start: base, count: byteCount)
}

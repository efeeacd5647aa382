import CLinux
import Glibc

/// Memory that several processes have in common: a memory file (memfd) and this process's view of it.
///
/// Who makes a region sizes it, seals it and touches every page, so that nobody meets a page fault, a SIGBUS or the end
/// of the memory later. It has no name in any file system: it travels as an open file over a unix socket and goes with
/// the last process that has it.
package final class SharedRegion: @unchecked Sendable {
    /// What the processes that get the file may do with it.
    package enum Access: Sendable {
        case read
        case readAndWrite
    }

    /// The region, mapped at a page's start.
    package let bytes: UnsafeMutableRawBufferPointer
    private let file: FileDescriptor

    /// The file, to be passed on.
    package var descriptor: Int32 { file.number }

    /// Makes a region of zeros that this process can write to.
    ///
    /// - Parameters:
    ///   - name: For /proc/PID/maps.
    ///   - byteCount: Its size, from 1 up.
    ///   - others: What those who get the file may do; nobody can change its size.
    /// - Throws: `SystemError` where there is no memory, or no such seal (Linux before 5.1).
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

    /// Makes a region with a copy of bytes that nobody can change any more, this process included.
    ///
    /// - Parameters:
    ///   - name: For /proc/PID/maps.
    ///   - content: At least one byte.
    /// - Throws: `SystemError` where there is no memory.
    package convenience init(name: String, copying content: UnsafeRawBufferPointer) throws(SystemError) {
        let draft = try SharedRegionDraft(name: name, byteCount: content.count)
        draft.bytes.copyMemory(from: content)
        try self.init(sealing: draft)
    }

    /// Makes a region of what has been written: nobody can change it any more, this process included.
    ///
    /// - Parameter draft: Whose memory must not be used afterwards.
    /// - Throws: `SystemError` where it can't be sealed or mapped.
    package init(sealing draft: consuming SharedRegionDraft) throws(SystemError) {
        let (name, byteCount) = (draft.name, draft.bytes.count)
        let file = draft.close()
        let seals = linux_seal_shrink | linux_seal_grow | linux_seal_write | linux_seal_seal
        guard fcntl(file.number, linux_add_seals, seals) == 0 else { throw .last("seal shared memory", path: name) }
        self.bytes = try map(file.number, byteCount, PROT_READ, name)
        self.file = file
    }

    /// Maps a region that another process has made.
    ///
    /// - Parameters:
    ///   - file: As it came over a socket; nobody vouches for it.
    ///   - name: For errors.
    ///   - byteCount: The size that it must have.
    ///   - access: What this process will do with it.
    /// - Throws: `SystemError` if it is something else, or could shrink under our feet.
    package init(mapping file: consuming FileDescriptor, name: String, byteCount: Int, access: Access)
        throws(SystemError)
    {
        var status = stat()
        let seals = fcntl(file.number, linux_get_seals)
        guard seals >= 0, seals & linux_seal_shrink != 0, fstat(file.number, &status) == 0,
            status.st_size == byteCount, byteCount > 0
        else { throw SystemError("use what came as shared memory for", code: EINVAL, path: name) }
        self.bytes = try map(file.number, byteCount, access == .read ? PROT_READ : PROT_READ | PROT_WRITE, name)
        self.file = file
    }

    deinit {
        munmap(bytes.baseAddress, bytes.count)
    }
}

/// Shared memory in the making: this process writes to it until it becomes a ``SharedRegion``.
package struct SharedRegionDraft: ~Copyable {
    let name: String
    private let memory: WritableMapping
    private let file: FileDescriptor

    /// - Parameters:
    ///   - name: For /proc/PID/maps.
    ///   - byteCount: Its size, from 1 up.
    /// - Throws: `SystemError` where there is no memory.
    package init(name: String, byteCount: Int) throws(SystemError) {
        let file = try FileDescriptor(linux_memfd_create(name), "make shared memory", path: name)
        guard byteCount > 0, ftruncate(file.number, byteCount) == 0,
            let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, file.number, 0), base != MAP_FAILED
        else { throw .last("get \(byteCount) bytes of shared memory for", path: name) }
        self.name = name
        self.file = file
        self.memory = WritableMapping(bytes: UnsafeMutableRawBufferPointer(start: base, count: byteCount))
    }

    /// Zeros at first. A page costs memory once it is written to.
    package var bytes: UnsafeMutableRawBufferPointer { memory.bytes }

    /// Gives up the memory and keeps the file: it can't be sealed while anybody may write to it.
    consuming func close() -> FileDescriptor {
        file
    }
}

/// A view of memory to write to, given up with its owner.
package struct WritableMapping: ~Copyable {
    let bytes: UnsafeMutableRawBufferPointer

    deinit {
        munmap(bytes.baseAddress, bytes.count)
    }
}

/// Maps a whole file, all of its pages at once.
private func map(
    _ file: Int32, _ byteCount: Int, _ protection: Int32, _ name: String
) throws(SystemError) -> UnsafeMutableRawBufferPointer {
    guard let base = mmap(nil, byteCount, protection, MAP_SHARED | MAP_POPULATE, file, 0), base != MAP_FAILED else {
        throw .last("map shared memory", path: name)
    }
    return UnsafeMutableRawBufferPointer(start: base, count: byteCount)
}

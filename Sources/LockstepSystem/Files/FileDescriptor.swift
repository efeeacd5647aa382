package import Glibc

/// An open file descriptor with one owner. The deinitializer closes it.
package struct FileDescriptor: ~Copyable, Sendable {
    /// The descriptor's number. It stays open for as long as this value lives.
    package let number: Int32

    /// Takes over an open descriptor.
    package init(owning number: Int32) {
        self.number = number
    }

    deinit {
        close(number)
    }

    /// Takes over the descriptor that a system call has returned. Throws the error in errno if the call failed.
    init(_ number: Int32, _ operation: String, path: String? = nil) throws(SystemError) {
        guard number >= 0 else { throw .last(operation, path: path) }
        self.init(owning: number)
    }

    /// Duplicates a descriptor, close-on-exec; the original stays open.
    ///
    /// - Throws: `SystemError` if it is not open.
    package init(duplicating number: Int32) throws(SystemError) {
        try self.init(fcntl(number, F_DUPFD_CLOEXEC, 0), "read")
    }

    /// Opens a file, close-on-exec.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - flags: The flags for open(2).
    ///   - permissions: The permissions of a new file, which the umask reduces.
    /// - Throws: `SystemError` that names the path.
    package init(opening path: String, flags: Int32, permissions: mode_t = 0o666) throws(SystemError) {
        let operation = flags & O_ACCMODE == O_RDONLY ? "read" : "write"
        // C would end the path at a NUL and open another file.
        guard !path.isEmpty, !path.utf8.contains(0) else { throw SystemError(operation, code: ENOENT, path: path) }
        try self.init(open(path, flags | O_CLOEXEC, permissions), operation, path: path)
    }

    /// Writes all bytes at the descriptor's position.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        try LockstepSystem.write(bytes, to: number)
    }

    /// Writes all bytes at the descriptor's position.
    package func write(_ bytes: [UInt8]) throws(SystemError) {
        try bytes.withUnsafeBufferPointer { (bytes) throws(SystemError) in try write(UnsafeRawBufferPointer(bytes)) }
    }

    /// Reads some bytes at the descriptor's position into the array's first elements. Returns their number: 0 at the
    /// end of the file.
    package func read(into target: inout [UInt8]) throws(SystemError) -> Int {
        try target.withUnsafeMutableBufferPointer { (target) throws(SystemError) in
            try read(into: UnsafeMutableRawBufferPointer(target))
        }
    }

    /// Reads some bytes at the descriptor's position. Returns their number: 0 at the end of the file.
    package func read(into target: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        let count = retryingInterrupts { Glibc.read(number, target.baseAddress, target.count) }
        guard count >= 0 else { throw .last("read") }
        return count
    }

    /// Reads up to `target.count` bytes at `offset`, without using the descriptor's position. Returns their number: it
    /// is smaller only at the end of the file.
    package func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
        var done = 0
        while done < target.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: target[done...])
            let count = retryingInterrupts { pread(number, rest.baseAddress, rest.count, off_t(offset + done)) }
            guard count >= 0 else { throw .last("read") }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Shortens the file to its first `length` bytes, or extends it with zeros.
    package func truncate(to length: Int) throws(SystemError) {
        guard retryingInterrupts({ ftruncate(number, off_t(length)) }) == 0 else { throw .last("truncate") }
    }

    /// Waits until everything that was written is on the disk: fsync(2).
    package func synchronize() throws(SystemError) {
        guard retryingInterrupts({ fsync(number) }) == 0 else { throw .last("synchronize") }
    }
}

/// Writes all bytes to a descriptor that another part of the program owns, such as standard output.
///
/// Waits as long as a reader needs, also where the descriptor is in non-blocking mode.
package func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(SystemError) {
    var done = 0
    while done < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
        let count = retryingInterrupts { Glibc.write(descriptor, rest.baseAddress, rest.count) }
        if count < 0, errno == EAGAIN {
            var item = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            poll(&item, 1, -1)
            continue
        }
        guard count > 0 else { throw count < 0 ? .last("write") : SystemError("write", code: EIO) }
        done += count
    }
}

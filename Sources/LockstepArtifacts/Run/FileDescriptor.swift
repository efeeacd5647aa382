import Glibc

/// An open file, which is closed when this value ends; every error names the path.
struct FileDescriptor: ~Copyable {
    private let number: Int32
    let path: String

    /// Opens `path`; a file that is created has the permissions that the umask allows.
    init(path: String, flags: Int32) throws(ArtifactError) {
        let operation: ArtifactError.Operation = flags & O_ACCMODE == O_RDONLY ? .read : .write
        // C would end the path at a NUL and open another file.
        guard !path.isEmpty, !path.utf8.contains(0) else { throw .system(operation, path: path, code: ENOENT) }
        let descriptor = retrying { Glibc.open(path, flags | O_CLOEXEC, 0o666) }
        guard descriptor >= 0 else { throw .system(operation, path: path, code: errno) }
        number = descriptor
        self.path = path
    }

    deinit {
        Glibc.close(number)
    }

    /// The length in bytes of a regular file; folders, pipes and devices are errors.
    func regularFileSize() throws(ArtifactError) -> Int {
        var status = stat()
        guard fstat(number, &status) == 0 else { throw .system(.read, path: path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: path) }
        return Int(status.st_size)
    }

    /// Fills `target` with the bytes from `offset` on; returns false if the file ends before.
    func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws(ArtifactError) -> Bool {
        var done = 0
        while done < target.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: target[done...])
            let count = retrying { pread(number, rest.baseAddress, rest.count, off_t(offset + done)) }
            guard count >= 0 else { throw .system(.read, path: path, code: errno) }
            if count == 0 { return false }
            done += count
        }
        return true
    }

    /// Writes all of `bytes` at the file's position.
    func write(_ bytes: UnsafeRawBufferPointer) throws(ArtifactError) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = retrying { Glibc.write(number, rest.baseAddress, rest.count) }
            guard count >= 0 else { throw .system(.write, path: path, code: errno) }
            done += count
        }
    }

    /// Bytes of the file; 0 if it has no length.
    var length: Int { max(0, Int(lseek(number, 0, SEEK_END))) }

    /// Truncates the file to its first bytes.
    func truncate(to length: Int) throws(ArtifactError) {
        guard retrying({ ftruncate(number, off_t(length)) }) == 0 else {
            throw .system(.write, path: path, code: errno)
        }
    }

    /// Returns once what was written is on the disk.
    func synchronize() throws(ArtifactError) {
        guard retrying({ fsync(number) }) == 0 else { throw .system(.write, path: path, code: errno) }
    }
}

/// Repeats a system call that a signal interrupts.
private func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}

/// Reads a whole file of at most `limit` bytes.
func readFile(_ path: String, limit: Int) throws(ArtifactError) -> [UInt8] {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer.
    let file = try FileDescriptor(path: path, flags: O_RDONLY | O_NONBLOCK)
    let size = try file.regularFileSize()
    guard size <= limit else { throw .tooLarge(path: path, limit: limit) }
    var bytes = [UInt8](repeating: 0, count: size)
    let complete = try bytes.withUnsafeMutableBufferPointer { (target) throws(ArtifactError) in
        try file.read(into: UnsafeMutableRawBufferPointer(target), at: 0)
    }
    guard complete else { throw .malformed(path: path, reason: "changed while it was read", remedy: "try again") }
    return bytes
}

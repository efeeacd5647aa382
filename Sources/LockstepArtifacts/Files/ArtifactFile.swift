import Glibc
import LockstepSystem

/// An open file of a run. Every error names its path.
struct ArtifactFile: ~Copyable {
    private let descriptor: FileDescriptor
    let path: String

    /// Opens `path`; a file that is created has the permissions that the umask allows.
    init(path: String, flags: Int32) throws(ArtifactError) {
        do throws(SystemError) {
            descriptor = try FileDescriptor(opening: path, flags: flags)
        } catch {
            throw .system(flags & O_ACCMODE == O_RDONLY ? .read : .write, path: path, code: error.code)
        }
        self.path = path
    }

    /// The length in bytes of a regular file; folders, pipes and devices are errors.
    func regularFileSize() throws(ArtifactError) -> Int {
        var status = stat()
        guard fstat(descriptor.number, &status) == 0 else { throw .system(.read, path: path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: path) }
        return Int(status.st_size)
    }

    /// Fills `target` with the bytes from `offset` on; returns false if the file ends before.
    func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws(ArtifactError) -> Bool {
        try perform(.read) { (file) throws(SystemError) in try file.read(into: target, at: offset) == target.count }
    }

    /// Writes all of `bytes` at the file's position.
    func write(_ bytes: UnsafeRawBufferPointer) throws(ArtifactError) {
        try perform(.write) { (file) throws(SystemError) in try file.write(bytes) }
    }

    /// Bytes of the file; 0 if it has no length.
    var length: Int { max(0, Int(lseek(descriptor.number, 0, SEEK_END))) }

    /// Truncates the file to its first bytes.
    func truncate(to length: Int) throws(ArtifactError) {
        try perform(.write) { (file) throws(SystemError) in try file.truncate(to: length) }
    }

    /// Returns once what was written is on the disk.
    func synchronize() throws(ArtifactError) {
        try perform(.write) { (file) throws(SystemError) in try file.synchronize() }
    }

    private func perform<Result>(
        _ operation: ArtifactError.Operation, _ body: (borrowing FileDescriptor) throws(SystemError) -> Result
    ) throws(ArtifactError) -> Result {
        do throws(SystemError) {
            return try body(descriptor)
        } catch {
            throw .system(operation, path: path, code: error.code)
        }
    }
}

/// Reads a whole file of at most `limit` bytes.
func readFile(_ path: String, limit: Int) throws(ArtifactError) -> [UInt8] {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer.
    let file = try ArtifactFile(path: path, flags: O_RDONLY | O_NONBLOCK)
    let size = try file.regularFileSize()
    guard size <= limit else { throw .tooLarge(path: path, limit: limit) }
    var bytes = [UInt8](repeating: 0, count: size)
    let complete = try bytes.withUnsafeMutableBufferPointer { (target) throws(ArtifactError) in
        try file.read(into: UnsafeMutableRawBufferPointer(target), at: 0)
    }
    guard complete else { throw .malformed(path: path, reason: "changed while it was read", remedy: "try again") }
    return bytes
}

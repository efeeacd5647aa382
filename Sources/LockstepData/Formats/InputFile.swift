import Glibc
import LockstepSystem

/// A regular file, open for reading until its last reference goes.
package final class InputFile {
    /// The path, as errors name it.
    let path: String
    /// The file's size in bytes when it was opened.
    package let size: Int
    let descriptor: FileDescriptor

    /// Opens a regular file; a named pipe is refused without waiting for its writer.
    ///
    /// - Throws: ``DataError`` if there is no such file, it is no regular file, or it cannot be opened.
    package init(path: String) throws(DataError) {
        self.path = path
        do throws(SystemError) {
            descriptor = try FileDescriptor(opening: path, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
        } catch {
            throw error.code == ENOENT || error.code == ENOTDIR
                ? DataError(.missingFile, subject: path) : DataError(system: error.code, subject: path)
        }
        var status = stat()
        guard fstat(descriptor.number, &status) == 0 else { throw DataError(system: errno, subject: path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw DataError(.notAFile, subject: path) }
        size = status.st_size
    }

    /// Reads some bytes from the current position on; 0 only at the file's end.
    package func read(into destination: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
        do throws(SystemError) {
            return try descriptor.read(into: destination)
        } catch {
            throw DataError(system: error.code, subject: path)
        }
    }

    /// The rest of the file, from the current position on.
    package func content() throws(DataError) -> [UInt8] {
        var content = [UInt8](repeating: 0, count: size)
        var filled = 0
        while filled < content.count {
            let rest = filled
            let count = try content.withUnsafeMutableBufferPointer { (bytes) throws(DataError) in
                try read(into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(bytes)[rest...]))
            }
            if count == 0 { break }
            filled += count
        }
        content.removeLast(content.count - filled)
        return content
    }

    /// Whether the file starts with the two bytes of gzip (RFC 1952); the position stays.
    package func startsWithGzipMagic() throws(DataError) -> Bool {
        var start: (UInt8, UInt8) = (0, 0)
        do throws(SystemError) {
            let count = try withUnsafeMutableBytes(of: &start) { (bytes) throws(SystemError) in
                try descriptor.read(into: bytes, at: 0)
            }
            return count == 2 && start == (0x1f, 0x8b)
        } catch {
            throw DataError(system: error.code, subject: path)
        }
    }
}

extension DataError {
    /// A system call that failed with this error number.
    init(system code: Int32, subject: String) {
        self.init(.system(code: code, text: String(cString: strerror(code))), subject: subject)
    }
}

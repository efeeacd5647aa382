import Glibc

/// An open regular file, closed with its last reference.
final class FileDescriptor {
    let path: String
    let number: Int32
    /// Its size in bytes when it was opened.
    let size: Int

    /// Opens a regular file for reading; a pipe is refused, not waited for.
    init(readingFileAt path: String) throws(DataError) {
        self.path = path
        number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard number >= 0 else {
            let code = errno
            throw code == ENOENT || code == ENOTDIR
                ? DataError(.missingFile, subject: path) : DataError(system: code, subject: path)
        }
        var status = stat()
        guard fstat(number, &status) == 0 else {
            let code = errno
            close(number)
            throw DataError(system: code, subject: path)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(number)
            throw DataError(.notAFile, subject: path)
        }
        size = status.st_size
    }

    deinit {
        close(number)
    }

    /// Reads some bytes, 0 only at the file's end.
    func read(into destination: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
        while true {
            let count = Glibc.read(number, destination.baseAddress, destination.count)
            if count >= 0 { return count }
            let code = errno
            if code != EINTR { throw DataError(system: code, subject: path) }
        }
    }

    /// Looks at the first two bytes without moving on.
    func startsWithGzipMagic() throws(DataError) -> Bool {
        var start: (UInt8, UInt8) = (0, 0)
        while true {
            let count = pread(number, &start, 2, 0)
            if count >= 0 { return count == 2 && start == (0x1f, 0x8b) }
            let code = errno
            if code != EINTR { throw DataError(system: code, subject: path) }
        }
    }
}

extension DataError {
    /// A failed call of the kernel.
    init(system code: Int32, subject: String) {
        self.init(.system(code: code, text: String(cString: strerror(code))), subject: subject)
    }
}

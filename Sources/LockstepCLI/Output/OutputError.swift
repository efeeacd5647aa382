import Glibc
import LockstepSystem

/// Standard output cannot be written.
struct OutputError: Error, Hashable, CustomStringConvertible {
    /// The number of errno.
    let code: Int32

    /// Whether the reader has gone: a pipe is closed, a terminal has hung up, the process was started without the output.
    var hasNoReader: Bool {
        if code == EPIPE || code == EBADF { return true }
        var status = stat()
        return code == EIO && fstat(STDOUT_FILENO, &status) == 0 && status.st_mode & S_IFMT == S_IFCHR
    }

    var description: String {
        "standard output: cannot write: \(String(cString: strerror(code)))"
    }

    /// Writes bytes to standard output.
    static func write(_ bytes: [UInt8]) throws(OutputError) {
        do throws(SystemError) {
            try bytes.withUnsafeBufferPointer { (bytes) throws(SystemError) in
                try LockstepSystem.write(UnsafeRawBufferPointer(bytes), to: STDOUT_FILENO)
            }
        } catch {
            throw OutputError(code: error.code)
        }
    }
}

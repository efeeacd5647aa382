import Glibc

/// A call of the kernel or the C library that failed.
package struct SystemError: Error, Equatable, Sendable {
    /// errno's number.
    package let code: Int32
    /// What could not be done, in words that follow "cannot".
    package let operation: String
    /// The file, program or directory it was about.
    package let path: String?

    package init(_ operation: String, code: Int32, path: String? = nil) {
        self.code = code
        self.operation = operation
        self.path = path
    }

    /// The error that the call just made on this thread left in errno.
    static func last(_ operation: String, path: String? = nil) -> SystemError {
        SystemError(operation, code: errno, path: path)
    }
}

extension SystemError: CustomStringConvertible {
    /// One line: what could not be done with what, why, and the remedy where there is a usual one.
    package var description: String {
        var line = "cannot \(operation)"
        if let path { line += " \(path.printable)" }
        line += ": \(String(cString: strerror(code)))"
        if let remedy { line += "; \(remedy)" }
        return line
    }

    private var remedy: String? {
        switch code {
        case EMFILE, ENFILE: "raise the limit of open files (ulimit -n)"
        case EAGAIN: "too many processes or threads: raise the limit (ulimit -u), or start fewer"
        case ENOMEM: "free some memory, or start fewer processes"
        case ENOSPC: "free some space on that disk"
        default: nil
        }
    }
}

import Glibc
import LockstepText

/// A failed call of the kernel or the C library.
package struct SystemError: Error, Equatable, Sendable {
    /// The number of errno.
    package let code: Int32
    /// The operation, in words that follow "cannot".
    package let operation: String
    /// The file, program or folder.
    package let path: String?

    package init(_ operation: String, code: Int32, path: String? = nil) {
        self.code = code
        self.operation = operation
        self.path = path
    }

    /// The error that the last call on this thread left in errno.
    static func last(_ operation: String, path: String? = nil) -> SystemError {
        SystemError(operation, code: errno, path: path)
    }
}

extension SystemError: CustomStringConvertible {
    /// One line: the operation and its subject, the reason, and the usual remedy if there is one.
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

/// Makes a system call again for as long as a signal interrupts it (EINTR).
///
/// Not for close(2): Linux has closed the descriptor by the time that it reports an interruption.
///
/// - Parameter call: Returns -1 and sets errno if it fails.
/// - Returns: The result of the call that was not interrupted; errno is as that call left it.
package func retryingInterrupts<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}

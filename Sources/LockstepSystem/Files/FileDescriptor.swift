import Glibc

/// A file descriptor with one owner, closed when the owner lets it go.
package struct FileDescriptor: ~Copyable, Sendable {
    /// The number, which stays open for as long as this value lives.
    package let number: Int32

    /// Takes over an open descriptor.
    package init(owning number: Int32) {
        self.number = number
    }

    deinit {
        close(number)
    }

    /// Takes over what a call returned, or throws the error that it left.
    init(_ number: Int32, _ operation: String, path: String? = nil) throws(SystemError) {
        guard number >= 0 else { throw .last(operation, path: path) }
        self.init(owning: number)
    }
}

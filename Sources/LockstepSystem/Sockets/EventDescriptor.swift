import CLinux
import Glibc

/// A descriptor by which one thread wakes another that waits in poll(2): eventfd(2).
package struct EventDescriptor: ~Copyable, Sendable {
    private let file: FileDescriptor

    package init() throws(SystemError) {
        file = try FileDescriptor(linux_eventfd(O_CLOEXEC | O_NONBLOCK), "make an event descriptor")
    }

    /// Readable after ``signal()`` until ``reset()``.
    package var number: Int32 { file.number }

    /// Makes the descriptor readable.
    package func signal() {
        var one: UInt64 = 1
        _ = Glibc.write(file.number, &one, MemoryLayout<UInt64>.size)
    }

    /// Makes the descriptor unreadable.
    package func reset() {
        var count: UInt64 = 0
        _ = Glibc.read(file.number, &count, MemoryLayout<UInt64>.size)
    }
}

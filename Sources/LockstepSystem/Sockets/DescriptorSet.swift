import CLinux
import Glibc

/// Many descriptors behind one, so that a wait for them costs what a wait for one does.
package struct DescriptorSet: ~Copyable, Sendable {
    private let file: FileDescriptor

    package init() throws(SystemError) {
        file = try FileDescriptor(linux_epoll_create(), "watch descriptors")
    }

    /// Readable while one of the members is, or has ended.
    package var descriptor: Int32 { file.number }

    /// Watches a descriptor until it is removed or closed.
    package func add(_ member: Int32) throws(SystemError) {
        guard linux_epoll_add(file.number, member) == 0 else { throw .last("watch a descriptor") }
    }

    package func remove(_ member: Int32) {
        _ = linux_epoll_remove(file.number, member)
    }

    /// Members that are readable or have ended. Does not wait.
    package func ready() -> [Int32] {
        var events = Array(repeating: linux_event(), count: 16)
        let count = linux_epoll_ready(file.number, &events, Int32(events.count))
        return events.prefix(Int(max(0, count))).map(\.descriptor)
    }
}

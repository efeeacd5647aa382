import CLinux
import Glibc

/// A set of descriptors that is itself a descriptor (epoll): waiting for all of them costs as much as waiting for one.
package struct DescriptorSet: ~Copyable, Sendable {
    private let file: FileDescriptor

    package init() throws(SystemError) {
        file = try FileDescriptor(linux_epoll_create(), "watch descriptors")
    }

    /// Readable while a member is readable or has ended.
    package var descriptor: Int32 { file.number }

    /// Watches a descriptor until it is removed or closed.
    package func add(_ member: Int32) throws(SystemError) {
        guard linux_epoll_add(file.number, member) == 0 else { throw .last("watch a descriptor") }
    }

    /// Stops watching a descriptor.
    package func remove(_ member: Int32) {
        _ = linux_epoll_remove(file.number, member)
    }

    /// The members that are readable or have ended, at most 16. Does not wait.
    package func ready() -> [Int32] {
        var events = Array(repeating: linux_event(), count: 16)
        let count = linux_epoll_ready(file.number, &events, Int32(events.count))
        return events.prefix(Int(max(0, count))).map(\.descriptor)
    }
}

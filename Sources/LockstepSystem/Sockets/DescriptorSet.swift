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

    /// Calls `body` with each member that is readable or has ended, at most ``maximumReady`` of them. Does not wait and does not
    /// allocate.
    package func forEachReady<Failure: Error>(_ body: (Int32) throws(Failure) -> Void) throws(Failure) {
        try withUnsafeTemporaryAllocation(of: linux_event.self, capacity: Self.maximumReady) { events throws(Failure) in
            let count = linux_epoll_ready(file.number, events.baseAddress, Int32(events.count))
            for event in events.prefix(Int(max(0, count))) { try body(event.descriptor) }
        }
    }

    /// The most members that one call of ``forEachReady(_:)`` finds.
    package static let maximumReady = 16
}

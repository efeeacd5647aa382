import CLinux
import Glibc
import Synchronization

/// A connection that libzmq has accepted, by its file descriptor.
///
/// The descriptor is libzmq's to close, and another file may have its number by now. So the file is known by its inode,
/// too, which no other open socket has.
final class Connection: Sendable {
    let descriptor: Int32
    private let inode: UInt?
    /// Whether it goes over TCP, and the kernel counts what it receives.
    let isTCP: Bool
    private let delivered = Atomic<UInt64>(0)
    private let member = Atomic<Bool>(false)

    /// Takes note of a connection that is open now.
    init(_ descriptor: Int32, isTCP: Bool) {
        self.descriptor = descriptor
        self.isTCP = isTCP
        inode = Self.inode(of: descriptor)
    }

    /// Ends the connection in both directions, if it still stands: libzmq's thread finds it at its end, once it has read
    /// what had arrived.
    func end() {
        guard isOpen else { return }
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Ends the connection at once, and drops what has arrived and libzmq's thread has not read: the kernel may hold
    /// megabytes. Dissolving a TCP connection by connecting to nothing does that (connect(2), AF_UNSPEC).
    func abort() {
        guard isTCP else { return end() }
        guard isOpen else { return }
        var nothing = sockaddr()
        nothing.sa_family = sa_family_t(AF_UNSPEC)
        _ = connect(descriptor, &nothing, socklen_t(MemoryLayout<sockaddr>.size))
    }

    /// Bytes that have arrived so far, handshake and heartbeats included; nil where the kernel does not count them.
    var receivedBytes: UInt64? {
        var bytes: UInt64 = 0
        guard isTCP, isOpen, linux_tcp_received(descriptor, &bytes) == 0 else { return nil }
        return bytes
    }

    /// Bytes of the messages from it that the coordinator's loop has been handed so far, as they travel.
    var deliveredBytes: UInt64 { delivered.load(ordering: .relaxed) }

    /// Counts a frame that the loop has been handed.
    func addDelivered(_ bytes: Int) {
        delivered.wrappingAdd(UInt64(bytes), ordering: .relaxed)
    }

    /// Whether its peer is an active member of the run, which has proved itself and sends whole gradients.
    var isMember: Bool {
        get { member.load(ordering: .relaxed) }
        set { member.store(newValue, ordering: .relaxed) }
    }

    /// Whether the kernel takes more bytes for its peer now. A connection that has ended takes none.
    var isWritable: Bool {
        guard isOpen else { return false }
        var item = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&item, 1, 0) == 1 && item.revents & Int16(POLLOUT) != 0
    }

    private var isOpen: Bool { inode != nil && Self.inode(of: descriptor) == inode }

    private static func inode(of descriptor: Int32) -> UInt? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
        return status.st_ino
    }
}

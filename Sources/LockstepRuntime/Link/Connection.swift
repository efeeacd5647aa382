import CLinux
import Glibc
import Synchronization

/// A connection that libzmq has accepted, identified by its file descriptor and its inode.
///
/// libzmq closes the descriptor, and the system may give its number to another file at any time. The inode tells
/// whether the descriptor still belongs to this connection: no other open socket has it.
final class Connection: Sendable {
    let descriptor: Int32
    private let inode: UInt?
    /// Whether this is a TCP connection: the kernel counts the bytes that it receives.
    let isTCP: Bool
    private let delivered = Atomic<UInt64>(0)
    private let member = Atomic<Bool>(false)

    /// - Parameters:
    ///   - descriptor: The descriptor of a connection that is open now.
    ///   - isTCP: Whether it is a TCP connection.
    init(_ descriptor: Int32, isTCP: Bool) {
        self.descriptor = descriptor
        self.isTCP = isTCP
        inode = Self.inode(of: descriptor)
    }

    /// Shuts the connection down in both directions, if it is still open. libzmq's thread first reads what has arrived,
    /// and then sees the end.
    func end() {
        guard isOpen else { return }
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Ends the connection at once and discards the bytes that libzmq's thread has not read; the kernel may hold
    /// megabytes. Connecting a TCP socket to an address of family AF_UNSPEC does this (connect(2)).
    func abort() {
        guard isTCP else { return end() }
        guard isOpen else { return }
        var nothing = sockaddr()
        nothing.sa_family = sa_family_t(AF_UNSPEC)
        _ = connect(descriptor, &nothing, socklen_t(MemoryLayout<sockaddr>.size))
    }

    /// Bytes that have arrived so far, including handshake and heartbeats; nil where the kernel does not count them.
    var receivedBytes: UInt64? {
        var bytes: UInt64 = 0
        guard isTCP, isOpen, linux_tcp_received(descriptor, &bytes) == 0 else { return nil }
        return bytes
    }

    /// Bytes on the wire of the frames that the coordinator's loop has read so far.
    var deliveredBytes: UInt64 { delivered.load(ordering: .relaxed) }

    /// Counts a frame that the loop has read.
    func addDelivered(_ bytes: Int) {
        delivered.wrappingAdd(UInt64(bytes), ordering: .relaxed)
    }

    /// Whether the peer is an active member of the run. Such a peer has proved that it computes the same bits, and it
    /// sends whole gradients.
    var isMember: Bool {
        get { member.load(ordering: .relaxed) }
        set { member.store(newValue, ordering: .relaxed) }
    }

    /// Whether the kernel accepts more bytes for the peer now; false for a connection that has ended.
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

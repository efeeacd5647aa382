import CLinux
import Glibc
import LockstepProtocol
import Synchronization
import ZeroMQ

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

    /// What the kernel has counted, handshake and heartbeats included; nil where it counts nothing.
    var traffic: Traffic? {
        var information = linux_tcp_info()
        guard isTCP, isOpen, linux_tcp_counters(descriptor, &information) == 0 else { return nil }
        return Traffic(
            received: information.bytes_received, acknowledged: information.bytes_acknowledged,
            busySeconds: Double(information.busy_microseconds) * 1e-6)
    }

    /// The most bytes of a frame that fits the connection now.
    var frameLimit: Int { traffic?.frameLimit ?? MessageKind.payloadLimit }

    /// Bytes that have arrived so far; nil where the kernel does not count them.
    ///
    /// Those of a newer connection with the same number, if this one has ended: hundreds of connections are asked some hundred
    /// times a second, and looking at the inode each time would double the price. ``abort()`` looks at it.
    var receivedBytes: UInt64? {
        var information = linux_tcp_info()
        guard isTCP, inode != nil, linux_tcp_counters(descriptor, &information) == 0 else { return nil }
        return information.bytes_received
    }

    /// Bytes on the wire of the frames that the coordinator's loop has read so far.
    var deliveredBytes: UInt64 { delivered.load(ordering: .relaxed) }

    /// Counts a frame that the loop has read.
    func addDelivered(_ bytes: Int) {
        delivered.wrappingAdd(UInt64(bytes), ordering: .relaxed)
    }

    /// Whether the peer is an active member of the run. Such a peer has proved that it computes the same bits, and it
    /// sends whole gradients. What it sends over TCP does not wait behind strangers' connections.
    var isMember: Bool {
        get { member.load(ordering: .relaxed) }
        set {
            guard member.exchange(newValue, ordering: .relaxed) != newValue, isTCP, isOpen else { return }
            if newValue { Pacing.prefer(descriptor) } else { Pacing.stopPreferring(descriptor) }
        }
    }

    /// Whether the kernel accepts more bytes for the peer now; false for a connection that has ended.
    var isWritable: Bool {
        guard isOpen else { return false }
        var item = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&item, 1, 0) == 1 && item.revents & Int16(POLLOUT) != 0
    }

    /// Whether bytes have been sent over TCP whose arrival the peer has not acknowledged. If the process ended now and the
    /// peer said anything, a heartbeat for example, these bytes would be lost: the kernel answers with a reset.
    var hasBytesUnderWay: Bool {
        var bytes: Int32 = 0
        guard isTCP, isOpen, linux_queued_output(descriptor, &bytes) == 0 else { return false }
        return bytes > 0
    }

    private var isOpen: Bool { inode != nil && Self.inode(of: descriptor) == inode }

    private static func inode(of descriptor: Int32) -> UInt? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
        return status.st_ino
    }
}

/// What the kernel has counted over a TCP connection since it was made.
struct Traffic: Hashable, Sendable {
    /// Bytes that have arrived here, and bytes whose arrival the peer has acknowledged.
    var received: UInt64 = 0
    var acknowledged: UInt64 = 0
    /// Seconds in which bytes were on their way to the peer.
    var busySeconds = 0.0

    /// Seconds that a frame may take: libzmq's heartbeat counts only complete frames as signs of life.
    private static let frameSeconds = 0.5
    /// A frame has at most this share of the bytes that have arrived: many links carry a first burst faster.
    private static let burstShare: UInt64 = 16

    /// The most bytes of a frame that fits the link.
    var frameLimit: Int {
        let byRate = Self.frameSeconds * Double(acknowledged) / max(busySeconds, 1e-6)
        let most = min(acknowledged / Self.burstShare, UInt64(min(byRate, 1e12)))
        let limit = Int(clamping: min(most, UInt64(MessageKind.payloadLimit)))
        let unit = FloatPayload.smallestFrame
        return max(unit, limit / unit * unit)
    }
}

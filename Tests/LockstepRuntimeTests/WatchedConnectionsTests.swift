import Glibc
import LockstepTimeline
import Testing

@testable import LockstepRuntime

@Suite("Watched connections")
struct WatchedConnectionsTests {
    private static let quiet = WatchedConnections.intervals.quiet
    private static let sending = WatchedConnections.intervals.sending

    /// Two ends of a connection; the near one is watched.
    private final class Pair {
        let near: Int32
        let far: Int32

        /// - Parameter isTCP: Whether it goes over TCP on the loopback interface; else it is a pair of Unix sockets.
        /// - Throws: An expectation that fails if there is no such pair.
        init(isTCP: Bool) throws {
            guard isTCP else {
                var ends: [Int32] = [0, 0]
                try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
                (near, far) = (ends[0], ends[1])
                return
            }
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(listener) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            far = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            let isConnected = withUnsafeMutablePointer(to: &address) { [far] address in
                address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(listener, $0, size) == 0 && listen(listener, 1) == 0 && getsockname(listener, $0, &size) == 0
                        && connect(far, $0, size) == 0
                }
            }
            near = isConnected ? accept(listener, nil, nil) : -1
            try #require(near >= 0)
        }

        deinit {
            close(near)
            close(far)
        }

        /// Sends bytes, and waits until they have arrived.
        func send(_ count: Int) throws {
            let bytes = [UInt8](repeating: 0, count: count)
            try #require(write(far, bytes, count) == count)
            var waiting: Int32 = 0
            while waiting < count { try #require(ioctl(near, UInt(FIONREAD), &waiting) == 0) }
        }
    }

    private var limits: ConnectionLimits {
        var limits = ConnectionLimits(gradientBytes: 0)
        (limits.nonMember, limits.nonMembers, limits.member) = (10_000, 15_000, 20_000)
        return limits
    }

    private let start = Instant(nanoseconds: 0)

    /// The number of connections that a check cuts, and the interval after it.
    private func check(_ connections: WatchedConnections, at seconds: Double = 0) -> (cut: Int, interval: Int32) {
        let (cut, interval) = connections.check(now: start.advanced(bySeconds: seconds))
        return (cut.count, interval)
    }

    @Test("No check is needed without connections over TCP, however much comes over ipc")
    func asleep() throws {
        var connections = WatchedConnections(limits: limits)
        #expect(check(connections) == (0, WatchedConnections.noCheck))
        let (local, remote) = (try Pair(isTCP: false), try Pair(isTCP: true))
        try local.send(50_000)
        connections.add(Connection(local.near, isTCP: false), now: start)
        #expect(check(connections) == (0, WatchedConnections.noCheck))
        connections.add(Connection(remote.near, isTCP: true), now: start)
        #expect(check(connections) == (0, Self.quiet))
        #expect(connections.remove(remote.near)?.hasDelivered == false)
        #expect(check(connections) == (0, WatchedConnections.noCheck))
    }

    @Test("Checks are frequent while a peer that is no member sends; a member has more time and more room")
    func intervals() throws {
        var connections = WatchedConnections(limits: limits)
        let pair = try Pair(isTCP: true)
        let connection = Connection(pair.near, isTCP: true)
        connections.add(connection, now: start)
        try pair.send(9_000)
        #expect(check(connections) == (0, Self.sending))
        #expect(check(connections) == (0, Self.quiet))
        connection.isMember = true
        try pair.send(10_000)
        #expect(check(connections, at: 0.02) == (0, Self.quiet))
        try pair.send(2_000)
        #expect(connections.check(now: start.advanced(bySeconds: 0.02)).cut.map(\.descriptor) == [pair.near])
        #expect(check(connections, at: 0.02) == (0, WatchedConnections.noCheck))
    }

    @Test("A connection over which nothing came lately is checked again after the longer interval")
    func pauses() throws {
        var connections = WatchedConnections(limits: limits)
        let pair = try Pair(isTCP: true)
        connections.add(Connection(pair.near, isTCP: true), now: start)
        #expect(check(connections) == (0, Self.quiet))
        try pair.send(12_000)
        #expect(check(connections, at: 0.019) == (0, Self.quiet), "not yet")
        #expect(check(connections, at: 0.02).cut == 1)
    }

    @Test("A member's bytes count as heartbeats by the time since its connection was checked last")
    func heartbeats() throws {
        var connections = WatchedConnections(limits: limits)
        let pair = try Pair(isTCP: true)
        let connection = Connection(pair.near, isTCP: true)
        connection.isMember = true
        connections.add(connection, now: start.advanced(bySeconds: 1_000))
        try pair.send(20_001)
        // A millisecond's heartbeats are one byte.
        #expect(connections.check(now: start.advanced(bySeconds: 1_000.001)).cut.isEmpty)
        try pair.send(2)
        #expect(connections.check(now: start.advanced(bySeconds: 1_000.002)).cut.count == 1)
    }

    @Test("Of peers that are no members and together over the limit, the one with the most unread bytes goes first")
    func together() throws {
        var connections = WatchedConnections(limits: limits)
        let pairs = try (0..<3).map { _ in try Pair(isTCP: true) }
        let watched = pairs.map { Connection($0.near, isTCP: true) }
        for (pair, size) in zip(pairs, [9_000, 9_500, 8_000]) { try pair.send(size) }
        watched[0].addDelivered(9_000)
        for connection in watched { connections.add(connection, now: start) }
        // 8,476 and 6,976 bytes beside a handshake's.
        #expect(connections.check(now: start).cut.map(\.descriptor) == [pairs[1].near])
    }

    @Test("A connection's first message is recognised")
    func messages() throws {
        var connections = WatchedConnections(limits: limits)
        let pair = try Pair(isTCP: false)
        let connection = Connection(pair.near, isTCP: false)
        connections.add(connection, now: start)
        #expect(connections.recordMessage(over: pair.near)?.isFirst == true)
        #expect(connections.recordMessage(over: pair.near)?.isFirst == false)
        #expect(connections.recordMessage(over: pair.far) == nil)
        let removed = connections.remove(pair.near)
        #expect(removed?.connection === connection && removed?.hasDelivered == true)
    }
}

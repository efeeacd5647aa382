import Glibc
import LockstepCluster
import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// The connections of the coordinator's socket, and a thread that cuts the connections that fill its memory.
///
/// The idea: libzmq reads everything that any peer sends and keeps it in memory until the coordinator's loop asks for
/// it. A peer can send a gigabyte while the loop is busy with one step, so the loop itself cannot limit this. A second
/// thread does. For each connection it compares two counters: the bytes that the kernel has received, and the bytes of
/// the messages that the loop has read. The difference lies in libzmq's memory. If the difference exceeds
/// ``ConnectionLimits``, the thread cuts the connection.
///
/// Two things complicate this. Handshakes and heartbeats are received and never read by the loop, so allowances
/// are subtracted for them. And libzmq says why a handshake failed without saying on which connection, so the table
/// counts handshakes and failures to find out whether a connection ended without a known reason.
final class ConnectionTable: Sendable {
    /// What happens to connections, for the loop.
    enum Event: Sendable {
        /// A connection has ended. `isUnexplained`: its handshake never succeeded, and libzmq has not said why.
        case ended(Connection, isUnexplained: Bool)
        /// A connection's handshake failed.
        case handshakeFailed(SocketEvent.HandshakeFailure)
        /// The thread has cut a connection: its peer left more bytes unread than it may.
        case cut(Connection)
        case listening(SocketEvent)
        case acceptFailed(Int32)
    }

    /// A connection and what the thread knows about it. Used only under the lock.
    private final class Watched: @unchecked Sendable {
        let connection: Connection
        /// Bytes that had been received at the last check.
        var received: UInt64 = 0
        /// Received bytes that are taken for heartbeats and so do not count as unread.
        var heartbeatBytes: UInt64 = 0
        var isCut = false
        /// Whether the loop has read a message from it.
        var hasDelivered = false

        init(_ connection: Connection) {
            self.connection = connection
        }

        /// Bytes that have been received, are no heartbeats, and have not been read by the loop.
        var unread: UInt64 {
            let accounted = connection.deliveredBytes + heartbeatBytes
            return received > accounted ? received - accounted : 0
        }
    }

    private struct State: ~Copyable, @unchecked Sendable {
        /// Used by one thread at a time, under the lock; nil once the table is closed.
        var monitor: SocketMonitor?
        var watched: [Int32: Watched] = [:]
        var events: [Event] = []
        /// Handshakes that have succeeded on connections without a message so far. libzmq does not say on which
        /// connections.
        var handshakesWithoutMessage = 0
        /// Handshakes that have failed, while the end of their connections is not reported yet. libzmq does not say on
        /// which connections.
        var failuresWithoutEnd = 0
        /// When the connections were checked last.
        var lastCheck = Instant.now
    }

    /// Milliseconds between two checks: while a peer that is no member sends, while such a peer is connected, and while
    /// all peers are members.
    private static let intervals = (sending: Int32(5), nonMembers: Int32(20), members: Int32(20))

    private let state: Locked<State>
    private let limits: ConnectionLimits
    private let monitorDescriptor: Int32
    private let readiness: EventDescriptor
    private let stop: EventDescriptor
    private let thread = Locked<Thread?>(nil)

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - monitor: The events of the socket: listening, accepting, handshakes and ends.
    ///   - limits: The bytes beyond which a connection is cut.
    /// - Throws: `SystemError` if the thread cannot be started, `ZeroMQError` if the monitor cannot be read.
    init(_ monitor: consuming SocketMonitor, limits: ConnectionLimits) throws {
        monitorDescriptor = try monitor.socket.descriptor
        self.limits = limits
        readiness = try EventDescriptor()
        stop = try EventDescriptor()
        state = Locked(State(monitor: consume monitor))
        var started: Thread? = try Thread(name: "connections") { [self] in watch() }
        thread.withLock { $0 = started.take() }
    }

    /// Readable when there may be events.
    var descriptor: Int32 { readiness.number }

    /// Returns the events since the last call, in order.
    func drainEvents() throws(ZeroMQError) -> [Event] {
        readiness.reset()
        return try state.withLock { (state) throws(ZeroMQError) in
            try readMonitor(&state)
            return exchange(&state.events, with: [])
        }
    }

    /// Records that the first message has come over a connection, and returns the connection; nil if there is none with
    /// this descriptor. libzmq reports a new connection before it delivers messages from it.
    func connection(ofFirstMessageOver descriptor: Int32) throws(ZeroMQError) -> Connection? {
        try state.withLock { (state) throws(ZeroMQError) in
            try readMonitor(&state)
            guard let watched = state.watched[descriptor] else { return nil }
            if !watched.hasDelivered { state.handshakesWithoutMessage -= 1 }
            watched.hasDelivered = true
            return watched.connection
        }
    }

    /// Ends the thread and the monitor. Call it before the socket closes.
    func close() {
        stop.signal()
        thread.withLock { $0.take() }?.join()
        state.withLock { $0.monitor = nil }
    }

    // MARK: - The thread

    private func watch() {
        // A peer sends megabytes in the few milliseconds that batch scheduling may delay a thread.
        Thread.restoreDefaultScheduling()
        var items = [monitorDescriptor, stop.number].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var interval = Self.intervals.nonMembers
        while true {
            _ = poll(&items, nfds_t(items.count), interval)
            guard items[1].revents == 0 else { return }
            do throws(ZeroMQError) {
                let hasEvents = try state.withLock { (state) throws(ZeroMQError) in
                    try readMonitor(&state)
                    interval = check(&state)
                    return !state.events.isEmpty
                }
                if hasEvents { readiness.signal() }
            } catch {
                // The context has ended.
                return
            }
        }
    }

    private func readMonitor(_ state: inout State) throws(ZeroMQError) {
        while let event = try state.monitor?.next() {
            switch (event.kind, event.descriptor) {
            case (.accepted, let descriptor?):
                let connection = Connection(descriptor, isTCP: event.endpoint.hasPrefix("tcp:"))
                state.watched[descriptor] = Watched(connection)
            case (.disconnected, let descriptor?):
                if let ended = state.watched.removeValue(forKey: descriptor) { end(ended, &state) }
            case (.handshakeSucceeded, _): state.handshakesWithoutMessage += 1
            case (.handshakeFailed(let failure), _):
                state.failuresWithoutEnd += 1
                state.events.append(.handshakeFailed(failure))
            case (.listening, _): state.events.append(.listening(event))
            case (.acceptFailed(let code), _): state.events.append(.acceptFailed(code))
            default: continue
            }
        }
    }

    private func end(_ watched: Watched, _ state: inout State) {
        let isUnexplained =
            !watched.hasDelivered && state.failuresWithoutEnd == 0 && state.handshakesWithoutMessage <= 0
        if !watched.hasDelivered {
            if state.failuresWithoutEnd > 0 {
                state.failuresWithoutEnd -= 1
            } else if state.handshakesWithoutMessage > 0 {
                state.handshakesWithoutMessage -= 1
            }
        }
        state.events.append(.ended(watched.connection, isUnexplained: isUnexplained))
    }

    /// Checks all connections once, and cuts those over the limits.
    ///
    /// - Returns: Milliseconds until the next check.
    private func check(_ state: inout State) -> Int32 {
        let now = Instant.now
        let seconds = Double(now.nanoseconds - state.lastCheck.nanoseconds) * 1e-9
        state.lastCheck = now
        var (total, interval): (UInt64, Int32) = (0, -1)
        for watched in state.watched.values {
            guard !watched.isCut, let received = watched.connection.receivedBytes else { continue }
            let isSending = received != watched.received
            watched.received = received
            let next: Int32
            if watched.connection.isMember {
                watched.heartbeatBytes += min(watched.unread, UInt64(seconds * ConnectionLimits.heartbeats))
                if watched.unread > limits.member { cut(watched, &state) }
                next = Self.intervals.members
            } else {
                if watched.unread > limits.nonMember { cut(watched, &state) }
                total += max(watched.unread, ConnectionLimits.handshake) - ConnectionLimits.handshake
                next = isSending ? Self.intervals.sending : Self.intervals.nonMembers
            }
            interval = interval < 0 ? next : min(interval, next)
        }
        if total > limits.nonMembers { cutLargest(&state, until: total - limits.nonMembers) }
        // The loop may have added a connection meanwhile, which needs a check soon.
        return interval < 0 ? Self.intervals.nonMembers : interval
    }

    /// Cuts connections of peers that are no members until so many bytes are gone; the connection with the most unread
    /// bytes first.
    private func cutLargest(_ state: inout State, until excess: UInt64) {
        var left = excess
        let nonMembers = state.watched.values.filter { !$0.connection.isMember && !$0.isCut }
        for nonMember in nonMembers.sorted(by: { $0.unread > $1.unread }) where left > 0 {
            cut(nonMember, &state)
            left -= min(left, nonMember.unread)
        }
    }

    private func cut(_ watched: Watched, _ state: inout State) {
        watched.isCut = true
        watched.connection.abort()
        state.events.append(.cut(watched.connection))
    }
}

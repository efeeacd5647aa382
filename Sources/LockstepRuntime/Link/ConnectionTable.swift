import Glibc
import LockstepCluster
import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// The connections of the coordinator's socket, and a thread that cuts those which fill its memory.
///
/// The coordinator's loop may be busy with a step for longer than it takes a peer to send a gigabyte. So this thread reads
/// libzmq's events, which tell of each connection's beginning and end, and compares what the kernel has received over
/// each with what the loop has been handed: see ``ConnectionLimits``.
final class ConnectionTable: Sendable {
    /// What has happened to connections, for the loop.
    enum Event: Sendable {
        /// A connection has ended. `isUnexplained`: it never stood, and libzmq has not said why.
        case ended(Connection, isUnexplained: Bool)
        /// A connection was broken off before it stood.
        case handshakeFailed(SocketEvent.HandshakeFailure)
        /// It was cut, for more lay unread than a peer may leave.
        case cut(Connection)
        case listening(SocketEvent)
        case acceptFailed(Int32)
    }

    /// A connection, as the thread looks after it: only under the lock.
    private final class Watched: @unchecked Sendable {
        let connection: Connection
        /// Bytes that had been received when it was looked at last.
        var received: UInt64 = 0
        /// Bytes of heartbeats that do not count as unread.
        var heartbeatBytes: UInt64 = 0
        var isCut = false
        /// Whether a message of it has been delivered.
        var hasDelivered = false

        init(_ connection: Connection) {
            self.connection = connection
        }

        /// Bytes that have been received and neither delivered nor heartbeatBytes.
        var unread: UInt64 {
            let accounted = connection.deliveredBytes + heartbeatBytes
            return received > accounted ? received - accounted : 0
        }
    }

    private struct State: ~Copyable, @unchecked Sendable {
        /// Used by one thread at a time, under the lock.
        var monitor: SocketMonitor?
        var watched: [Int32: Watched] = [:]
        var events: [Event] = []
        /// Handshakes that have succeeded on connections of which no message has been delivered, and failures that
        /// have been told whose connections' ends have not: libzmq does not say which connections these are.
        var handshakesWithoutMessage = 0
        var failuresWithoutEnd = 0
        /// When the connections were looked at last.
        var lastCheck = Instant.now
    }

    /// Milliseconds between two looks: while a stranger sends, while strangers are connected, while only members are.
    private static let intervals = (sending: Int32(5), nonMembers: Int32(20), members: Int32(20))

    private let state: Locked<State>
    private let limits: ConnectionLimits
    private let monitorDescriptor: Int32
    private let readiness: EventDescriptor
    private let stop: EventDescriptor
    private let thread = Locked<Thread?>(nil)

    /// Starts to watch.
    ///
    /// - Parameters:
    ///   - monitor: The events of the socket: listening, accepting, handshakes and ends.
    ///   - limits: When a connection is cut.
    /// - Throws: `SystemError` if there is no thread to be had, `ZeroMQError` if the monitor cannot be read.
    init(_ monitor: consuming SocketMonitor, limits: ConnectionLimits) throws {
        monitorDescriptor = try monitor.socket.descriptor
        self.limits = limits
        readiness = try EventDescriptor()
        stop = try EventDescriptor()
        state = Locked(State(monitor: consume monitor))
        var started: Thread? = try Thread(name: "connections") { [self] in watch() }
        thread.withLock { $0 = started.take() }
    }

    /// Readable when there may be news.
    var descriptor: Int32 { readiness.number }

    /// What has happened since the last call, in order.
    func drainEvents() throws(ZeroMQError) -> [Event] {
        readiness.reset()
        return try state.withLock { (state) throws(ZeroMQError) in
            try readMonitor(&state)
            return exchange(&state.events, with: [])
        }
    }

    /// The connection that has this descriptor now, of which the first message has come. Messages come after their
    /// connection's beginning has been told.
    func connection(ofFirstMessageOver descriptor: Int32) throws(ZeroMQError) -> Connection? {
        try state.withLock { (state) throws(ZeroMQError) in
            try readMonitor(&state)
            guard let watched = state.watched[descriptor] else { return nil }
            if !watched.hasDelivered { state.handshakesWithoutMessage -= 1 }
            watched.hasDelivered = true
            return watched.connection
        }
    }

    /// Ends the thread, and the monitor before its socket closes.
    func close() {
        stop.signal()
        thread.withLock { $0.take() }?.join()
        state.withLock { $0.monitor = nil }
    }

    // MARK: - The thread

    private func watch() {
        // Too late by a few milliseconds is too late by megabytes.
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

    /// Looks at all connections once, and cuts those over the limits.
    ///
    /// - Returns: Milliseconds until the next look; -1 if nothing needs one.
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
        // The loop may have read of a new connection: this thread sleeps no longer than for strangers.
        return interval < 0 ? Self.intervals.nonMembers : interval
    }

    /// Cuts strangers' connections, those with the most first, until so many bytes are gone.
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

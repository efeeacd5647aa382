import Glibc
import LockstepCluster
import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// The connections of the coordinator's socket, and a thread that cuts the connections that fill its memory.
///
/// The idea: libzmq reads everything that any peer sends and keeps it in memory until the coordinator's loop asks for
/// it. A peer can send a gigabyte while the loop is busy with one step, so the loop itself cannot limit this. A second
/// thread does, with ``WatchedConnections``: it cuts a connection over which the kernel has received much more than the
/// loop has read. Without a connection over TCP the thread sleeps.
///
/// Both threads read libzmq's events. The loop wakes the thread when it has read any, because the thread would wait for
/// them in vain. After events the thread pauses for ``pauseAfterEvents``: thousands of connections a second, with several
/// events each, wake it only some hundred times.
///
/// libzmq says why a handshake failed without saying on which connection, so the table counts handshakes and failures to
/// find out whether a connection ended without a known reason.
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

    private struct State: ~Copyable, @unchecked Sendable {
        /// Used by one thread at a time, under the lock; nil once the table is closed.
        var monitor: SocketMonitor?
        var watched: WatchedConnections
        var events: [Event] = []
        /// Handshakes that have succeeded on connections without a message so far. libzmq does not say on which
        /// connections.
        var handshakesWithoutMessage = 0
        /// Handshakes that have failed, while the end of their connections is not reported yet. libzmq does not say on
        /// which connections.
        var failuresWithoutEnd = 0
    }

    private let state: Locked<State>
    private let monitorDescriptor: Int32
    private let readiness: EventDescriptor
    /// Readable when the loop has read events of the monitor.
    private let eventsRead: EventDescriptor
    private let stop: EventDescriptor
    private let thread = Locked<Thread?>(nil)

    /// - Parameters:
    ///   - monitor: The events of the socket: listening, accepting, handshakes and ends.
    ///   - limits: The bytes beyond which a connection is cut.
    /// - Throws: `SystemError` if there are no descriptors left, `ZeroMQError` if the monitor cannot be read.
    init(_ monitor: consuming SocketMonitor, limits: ConnectionLimits) throws {
        monitorDescriptor = try monitor.socket.descriptor
        readiness = try EventDescriptor()
        eventsRead = try EventDescriptor()
        stop = try EventDescriptor()
        state = Locked(State(monitor: consume monitor, watched: WatchedConnections(limits: limits)))
    }

    /// Starts the thread.
    func start() throws(SystemError) {
        var started: Thread? = try Thread(name: "connections") { [self] in watch() }
        thread.withLock { $0 = started.take() }
    }

    /// Readable when there may be events.
    var descriptor: Int32 { readiness.number }

    /// Returns the events since the last call, in order.
    func drainEvents() throws(ZeroMQError) -> [Event] {
        readiness.reset()
        return try withEvents { exchange(&$0.events, with: []) }
    }

    /// Records that the first message has come over a connection, and returns the connection; nil if there is none with
    /// this descriptor. libzmq reports a new connection before it delivers messages from it.
    func connection(ofFirstMessageOver descriptor: Int32) throws(ZeroMQError) -> Connection? {
        try withEvents { state in
            guard let found = state.watched.recordMessage(over: descriptor) else { return nil }
            if found.isFirst { state.handshakesWithoutMessage -= 1 }
            return found.connection
        }
    }

    /// Reads the monitor in the loop's thread, calls `body`, and wakes the other thread if the monitor had events.
    private func withEvents<Result: Sendable>(_ body: (inout State) -> Result) throws(ZeroMQError) -> Result {
        let (result, hasRead) = try state.withLock { (state) throws(ZeroMQError) in
            let hasRead = try readMonitor(&state)
            return (body(&state), hasRead)
        }
        if hasRead { eventsRead.signal() }
        return result
    }

    /// Ends the thread and the monitor. Call it before the socket closes.
    func close() {
        stop.signal()
        thread.withLock { $0.take() }?.join()
        state.withLock { $0.monitor = nil }
    }

    // MARK: - The thread

    /// Milliseconds in which the thread does not look for further events.
    private static let pauseAfterEvents: Int32 = 2

    private func watch() {
        // A peer sends megabytes in the few milliseconds that batch scheduling may delay a thread.
        Thread.restoreDefaultScheduling()
        var items = [monitorDescriptor, eventsRead.number, stop.number].map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        var interval = WatchedConnections.noCheck
        while true {
            let count = poll(&items, nfds_t(items.count), interval)
            if count > 0, items[2].revents == 0 { _ = poll(&items[2], 1, Self.pauseAfterEvents) }
            guard items[2].revents == 0 else { return }
            eventsRead.reset()
            do throws(ZeroMQError) {
                interval = try check()
            } catch {
                // The context has ended.
                return
            }
        }
    }

    /// Reads the monitor and checks all connections once. Wakes the loop if there are events for it.
    ///
    /// - Returns: Milliseconds until the next check, as poll(2) takes them.
    private func check() throws(ZeroMQError) -> Int32 {
        let (interval, hasEvents) = try state.withLock { (state) throws(ZeroMQError) in
            try readMonitor(&state)
            let (cut, interval) = state.watched.check(now: .now)
            state.events += cut.map { .cut($0) }
            return (interval, !state.events.isEmpty)
        }
        if hasEvents { readiness.signal() }
        return interval
    }

    /// Reads the events of the monitor; returns whether there were any.
    @discardableResult
    private func readMonitor(_ state: inout State) throws(ZeroMQError) -> Bool {
        var hasRead = false
        while let event = try state.monitor?.next() {
            hasRead = true
            switch (event.kind, event.descriptor) {
            case (.accepted, let descriptor?):
                let connection = Connection(descriptor, isTCP: event.endpoint.hasPrefix("tcp:"))
                state.watched.add(connection, now: .now)
            case (.disconnected, let descriptor?):
                if let ended = state.watched.remove(descriptor) { end(ended.connection, ended.hasDelivered, &state) }
            case (.handshakeSucceeded, _): state.handshakesWithoutMessage += 1
            case (.handshakeFailed(let failure), _):
                state.failuresWithoutEnd += 1
                state.events.append(.handshakeFailed(failure))
            case (.listening, _): state.events.append(.listening(event))
            case (.acceptFailed(let code), _): state.events.append(.acceptFailed(code))
            default: continue
            }
        }
        return hasRead
    }

    private func end(_ connection: Connection, _ hasDelivered: Bool, _ state: inout State) {
        let isUnexplained =
            !hasDelivered && state.failuresWithoutEnd == 0 && state.handshakesWithoutMessage <= 0
        if !hasDelivered {
            if state.failuresWithoutEnd > 0 {
                state.failuresWithoutEnd -= 1
            } else if state.handshakesWithoutMessage > 0 {
                state.handshakesWithoutMessage -= 1
            }
        }
        state.events.append(.ended(connection, isUnexplained: isUnexplained))
    }
}

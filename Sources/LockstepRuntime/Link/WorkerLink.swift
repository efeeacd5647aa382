import LockstepCluster
import LockstepProtocol
import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// A worker's sockets: one DEALER socket to the coordinator, and the monitor of its connection.
///
/// After a connection has ended, the link waits a moment and then opens a new socket. libzmq reconnects a socket by
/// itself, except after a protocol error: a damaged message, or another program that used the port for a moment.
final class WorkerLink {
    /// The pause before a new socket. It doubles each time that a socket gets no connection.
    private struct ReconnectPause {
        private static let first = 0.05
        private static let longest = 1.0

        private var seconds = first
        /// When the new socket is due; nil if no pause is under way.
        private(set) var end: Instant?

        mutating func begin() {
            guard end == nil else { return }
            end = Instant.now.advanced(bySeconds: seconds)
            seconds = min(2 * seconds, Self.longest)
        }

        /// Ends the pause: the new socket has been opened.
        mutating func finish() { end = nil }

        /// Cancels the pause: a connection is established. libzmq may have reconnected the old socket by itself.
        mutating func reset() { self = ReconnectPause() }
    }

    /// What has become of the sockets so far.
    private struct History {
        /// Consecutive failures of the handshake.
        var failedHandshakes = 0
        /// Whether a connection was ever established. Until then failed handshakes are reported in detail, because wrong
        /// keys end the worker.
        var hasConnected = false
    }

    /// The poller's items for the two sockets.
    private struct Registration {
        var tokens: [Poller.Token] = []
        var monitor: Poller.Token?
        /// Whether the tokens belong to the present sockets.
        var isCurrent = false
    }

    /// What the link has received.
    enum Event {
        case connected
        case disconnected
        /// A handshake failed. `count`: consecutive failures.
        case handshakeFailed(SocketEvent.HandshakeFailure, count: Int)
        /// The file at the endpoint is not what this process can connect to.
        case unreachable(reason: String)
        /// A message; its payload, if it has one, is in ``payload``.
        case message(Header, hasPayload: Bool)
        case garbage(ProtocolError)
    }

    private var dealer: Socket?
    private var monitor: SocketMonitor?
    private var headerFrame = Message()
    private(set) var payload = Message()
    private let outbox = Outbox()
    /// The connection over which the last message came first; nil until one has come.
    private var connection: Connection?
    private var registration = Registration()
    private var hasMonitorEvents = true
    private var pause = ReconnectPause()
    private var history = History()
    private let context: Context
    private let security: ConnectionSecurity
    private let deadlines: Deadlines

    /// What the link connects to, one after the other.
    private var rotation: EndpointRotation

    /// The endpoint of the present socket.
    var endpoint: Endpoint { rotation.endpoint }
    var hasKeys: Bool { if case .client = security { true } else { false } }

    /// Connects to a coordinator.
    ///
    /// - Parameters:
    ///   - context: The process's context.
    ///   - rotation: Where the coordinator listens.
    ///   - security: How a connection over TCP is protected.
    ///   - deadlines: The worker's deadlines.
    /// - Throws: `ZeroMQError` if no socket can be made.
    init(
        context: Context, connectingTo rotation: EndpointRotation, security: ConnectionSecurity = .none,
        deadlines: Deadlines
    ) throws(ZeroMQError) {
        self.rotation = rotation
        self.context = context
        self.security = security
        self.deadlines = deadlines
        try open()
    }

    /// Opens a socket that connects, and closes the old one.
    private func open() throws(ZeroMQError) {
        monitor = nil
        dealer.take()?.close(linger: 0)
        outbox.removeAll()
        connection = nil
        pause.finish()
        (registration.isCurrent, hasMonitorEvents) = (false, true)
        let socket = try context.socket(.dealer)
        // Not `immediate`: with it libzmq discards received messages when their connection ends.
        try socket.set(.reconnectInterval, 50)
        try socket.set(.reconnectIntervalLimit, 1_000)
        try SocketPolicy.configure(socket, deadlines)
        if hasChoice { try socket.set(.connectTimeout, SocketPolicy.milliseconds(deadlines.connection)) }
        monitor = try socket.monitor(events: history.hasConnected ? events : [events, .handshakeProtocol])
        try socket.connect(endpoint, over: rotation.family, security: security)
        dealer = consume socket
    }

    /// Why this process cannot connect, however long it tries; nil if it can, or if that is not known.
    private var reasonAgainstConnecting: String? {
        guard case .ipc(let path) = endpoint else { return nil }
        return SocketFile.reasonAgainstConnecting(to: path)
    }

    /// Whether there is another address to try: until the first connection one of the other family too.
    private var hasChoice: Bool { history.hasConnected ? rotation.hasOtherEndpoints : rotation.hasChoice }

    private var events: SocketEventMask {
        hasChoice || endpoint.isIPC ? [.handshake, .ending, .connector] : [.handshake, .ending]
    }

    /// When ``prepare(_:)`` is due at the latest.
    var nextDeadline: Instant? { pause.end }

    /// Opens a new socket if one is due, and has the poller watch the present sockets.
    func prepare(_ poller: inout Poller) throws(ZeroMQError) {
        if let due = pause.end, due <= .now { try open() }
        guard !registration.isCurrent else { return }
        for token in registration.tokens { poller.remove(token) }
        registration = Registration(isCurrent: true)
        switch dealer {
        case .some(let socket): registration.tokens.append(poller.add(socket))
        case nil: break
        }
        switch monitor {
        case .some(let monitor):
            let token = poller.add(monitor.socket)
            registration.tokens.append(token)
            registration.monitor = token
        case nil: break
        }
    }

    /// Has a poller no longer watch the sockets: another one will.
    func leave(_ poller: inout Poller) {
        for token in registration.tokens { poller.remove(token) }
        registration = Registration()
    }

    /// Opens a new socket after a pause: the coordinator's process has ended, and libzmq has not reported the end of the
    /// connection.
    func reconnect() {
        pause.begin()
    }

    /// Records whether the last wait found events of the connection; ``receive()`` reads them only then.
    func recordReadiness(in poller: borrowing Poller) {
        hasMonitorEvents = registration.monitor.map { !poller.events(for: $0).isEmpty } ?? false
    }

    /// The next event, or nil when there is none yet. Does not wait.
    func receive() throws(ZeroMQError) -> Event? {
        // The last message is returned before the end of the connection: it may say that the run is over.
        guard try dealer?.receive(into: &headerFrame, wait: false) == .received else {
            return try nextConnectionEvent()
        }
        let header: Header
        do throws(ProtocolError) {
            header = try headerFrame.withUnsafeBytes { bytes throws(ProtocolError) in try Header(decoding: bytes) }
        } catch {
            try dealer?.discardRest(of: &headerFrame)
            return .garbage(error)
        }
        if connection == nil {
            // Over a unix socket the kernel counts nothing.
            connection = headerFrame.sourceDescriptor.map { Connection($0, isTCP: !endpoint.isIPC) }
        }
        let hasPayload = header.kind.hasPayload && headerFrame.more
        if hasPayload, try dealer?.receive(into: &payload, wait: false) != .received { return nil }
        do throws(ProtocolError) {
            if hasPayload { try headerFrame.verify(payload) } else { try headerFrame.verify() }
        } catch {
            if hasPayload { try dealer?.discardRest(of: &payload) } else { try dealer?.discardRest(of: &headerFrame) }
            return .garbage(error)
        }
        return .message(header, hasPayload: hasPayload)
    }

    private func nextConnectionEvent() throws(ZeroMQError) -> Event? {
        guard hasMonitorEvents else { return nil }
        while let event = try monitor?.next() {
            switch event.kind {
            case .handshakeSucceeded:
                pause.reset()
                history.failedHandshakes = 0
                if !history.hasConnected {
                    history.hasConnected = true
                    try monitor?.watch(events)
                    registration.isCurrent = false
                }
                return .connected
            case .disconnected:
                connection = nil
                pause.begin()
                return .disconnected
            case .connectRetried where hasChoice:
                // The name has no address of this family, or no process listens there.
                if pause.end == nil { rotation.advance() }
                pause.begin()
            case .connectRetried:
                // The socket may have come since this process began to wait.
                if let reason = reasonAgainstConnecting { return .unreachable(reason: reason) }
            case .handshakeFailed(let failure):
                pause.begin()
                history.failedHandshakes += 1
                return .handshakeFailed(failure, count: history.failedHandshakes)
            default: continue
            }
        }
        hasMonitorEvents = false
        return nil
    }

    /// The most bytes of a frame that fits the connection.
    var frameLimit: Int { connection?.frameLimit ?? MessageKind.payloadLimit }

    /// Queues a message; it is sent together with the next ones. Without a connection it is dropped. The payload is
    /// sent by reference: it must not change until the coordinator has answered.
    func post(
        _ header: Header, borrowing payload: UnsafeRawBufferPointer? = nil, isPart: Bool = false
    ) throws(ZeroMQError) {
        outbox.append(header, payload, isPart: isPart)
        if outbox.isFull { try flush() }
    }

    /// Sends what is queued, and then a message whose payload is copied. Without a connection both are dropped.
    func send(_ header: Header, copying payload: [UInt8]) throws(ZeroMQError) {
        try payload.span.bytes.withUnsafeBytes { bytes throws(ZeroMQError) in try flush(endingWith: (header, bytes)) }
    }

    /// Sends everything that is queued.
    func flush(endingWith last: (header: Header, payload: UnsafeRawBufferPointer)? = nil) throws(ZeroMQError) {
        switch dealer {
        case .some(let socket): try outbox.flush(into: socket, endingWith: last, wait: false)
        case nil: outbox.removeAll()
        }
    }

    /// Closes both sockets. libzmq sends the last messages in the background, at most until the linger deadline;
    /// terminating the context waits for this.
    func close() {
        monitor = nil
        dealer.take()?.close(linger: SocketPolicy.milliseconds(deadlines.linger))
    }
}

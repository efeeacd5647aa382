import LockstepCluster
import LockstepProtocol
import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// A worker's end of the wire: one DEALER socket to the coordinator, and the monitor that tells whether it stands.
///
/// A connection that has ended gets a new socket after a pause. libzmq connects a socket again by itself, except after an
/// error in the protocol: a damaged message, or another program on the port for a moment.
final class WorkerLink {
    /// The pause before a new socket: doubled with each one on which no connection stands.
    private struct ReconnectPause {
        private static let first = 0.05
        private static let longest = 1.0

        private var seconds = first
        /// When the new socket is due; nil if none is.
        private(set) var end: Instant?

        mutating func begin() {
            guard end == nil else { return }
            end = Instant.now.advanced(bySeconds: seconds)
            seconds = min(2 * seconds, Self.longest)
        }

        /// The new socket has been made.
        mutating func finish() { end = nil }

        /// A connection stands: libzmq may have made it by itself, and then no new socket is needed.
        mutating func reset() { self = ReconnectPause() }
    }

    /// The poller's items for the two sockets.
    private struct Registration {
        var tokens: [Poller.Token] = []
        var monitor: Poller.Token?
        /// Whether they are those of the present sockets.
        var isCurrent = false
    }

    /// What came in.
    enum Event {
        case connected
        case disconnected
        /// A connection was broken off before it stood.
        /// `count`: how many in a row.
        case handshakeFailed(SocketEvent.HandshakeFailure, count: Int)
        /// A message; its payload, if it has one, is in ``payload``.
        case message(Header, hasPayload: Bool)
        case garbage(ProtocolError)
    }

    private var dealer: Socket?
    private var monitor: SocketMonitor?
    private var headerFrame = Message()
    private(set) var payload = Message()
    private let outbox = Outbox()
    private var registration = Registration()
    private var hasMonitorEvents = true
    private var pause = ReconnectPause()
    private var failedHandshakes = 0
    /// Whether a connection has ever stood. Until then broken handshakes are reported in detail, for keys that do not fit
    /// end the worker.
    private var hasConnected = false
    private let context: Context
    private let security: ConnectionSecurity
    private let deadlines: Deadlines

    let endpoint: Endpoint
    var hasKeys: Bool { if case .client = security { true } else { false } }

    init(
        context: Context, connectingTo endpoint: Endpoint, security: ConnectionSecurity = .none, deadlines: Deadlines
    ) throws(ZeroMQError) {
        self.endpoint = endpoint
        self.context = context
        self.security = security
        self.deadlines = deadlines
        try open()
    }

    /// Makes a socket that connects, in place of the one that there may be.
    private func open() throws(ZeroMQError) {
        monitor = nil
        dealer.take()?.close(linger: 0)
        outbox.removeAll()
        pause.finish()
        (registration.isCurrent, hasMonitorEvents) = (false, true)
        let socket = try context.socket(.dealer)
        // Not `immediate`: with it libzmq drops what has been received over a connection when that ends.
        try socket.set(.reconnectInterval, 50)
        try socket.set(.reconnectIntervalLimit, 1_000)
        try socket.configure(deadlines)
        monitor = try socket.monitor(events: hasConnected ? Self.events : [Self.events, .handshakeProtocol])
        try socket.connect(endpoint, security: security)
        dealer = consume socket
    }

    private static let events: SocketEventMask = [.handshake, .ending]

    /// When ``prepare(_:)`` has something to do at the latest.
    var nextDeadline: Instant? { pause.end }

    /// Makes a new socket if one is due, and has the poller watch the present ones.
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

    /// Records whether the last wait has found news of the connection; ``receive()`` reads them only then.
    func recordReadiness(in poller: borrowing Poller) {
        hasMonitorEvents = registration.monitor.map { !poller.events(for: $0).isEmpty } ?? false
    }

    /// The next event, or nil when there is none yet. Does not wait.
    func receive() throws(ZeroMQError) -> Event? {
        // What came over a connection is read before its end is told: the last message may say that the run is over.
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
        guard header.kind.hasPayload, headerFrame.more else { return .message(header, hasPayload: false) }
        guard try dealer?.receive(into: &payload, wait: false) == .received else { return nil }
        return .message(header, hasPayload: true)
    }

    private func nextConnectionEvent() throws(ZeroMQError) -> Event? {
        guard hasMonitorEvents else { return nil }
        while let event = try monitor?.next() {
            switch event.kind {
            case .handshakeSucceeded:
                pause.reset()
                failedHandshakes = 0
                if !hasConnected {
                    hasConnected = true
                    try monitor?.watch(Self.events)
                    registration.isCurrent = false
                }
                return .connected
            case .disconnected:
                pause.begin()
                return .disconnected
            case .handshakeFailed(let failure):
                pause.begin()
                failedHandshakes += 1
                return .handshakeFailed(failure, count: failedHandshakes)
            default: continue
            }
        }
        hasMonitorEvents = false
        return nil
    }

    /// Sends a message, together with those that follow soon. Without a connection it is dropped. The payload is sent by
    /// reference: it must stay as it is until the coordinator has answered.
    func post(_ header: Header, borrowing payload: UnsafeRawBufferPointer? = nil) throws(ZeroMQError) {
        outbox.append(header, payload)
        if outbox.isFull { try flush() }
    }

    /// Sends a message whose payload is copied, and what waits before it. Without a connection it is dropped.
    func send(_ header: Header, copying payload: [UInt8]) throws(ZeroMQError) {
        try payload.span.bytes.withUnsafeBytes { bytes throws(ZeroMQError) in try flush(endingWith: (header, bytes)) }
    }

    /// Sends everything that waits.
    func flush(endingWith last: (header: Header, payload: UnsafeRawBufferPointer)? = nil) throws(ZeroMQError) {
        switch dealer {
        case .some(let socket): try outbox.flush(into: socket, endingWith: last, wait: false)
        case nil: outbox.removeAll()
        }
    }

    /// Closes both sockets; the last messages leave in the background, within the linger deadline, which ending the
    /// context waits for.
    func close() {
        monitor = nil
        dealer.take()?.close(linger: milliseconds(deadlines.linger))
    }
}

import LockstepCluster
import LockstepProtocol
import ZeroMQ

/// A worker's end of the wire: one DEALER socket to the coordinator, and the monitor that tells whether it stands.
final class WorkerLink {
    /// What came in.
    enum Event {
        case connected
        case disconnected
        /// A connection was broken off before it stood.
        case handshakeFailed(SocketEvent.HandshakeFailure)
        /// A message; its payload, if it has one, is in ``payload``.
        case message(Header, hasPayload: Bool)
        case garbage(ProtocolError)
    }

    private var dealer: Socket?
    private var monitor: SocketMonitor?
    private var headerFrame = Message()
    private(set) var payload = Message()
    private let outbox = Outbox()
    private var monitorToken: Poller.Token?
    private var monitorHasNews = true
    private let linger: Int32

    let endpoint: Endpoint
    let hasKeys: Bool

    init(
        context: Context, connectingTo endpoint: Endpoint, security: ConnectionSecurity = .none, deadlines: Deadlines
    ) throws(ZeroMQError) {
        self.endpoint = endpoint
        hasKeys = if case .client = security { true } else { false }
        let socket = try context.socket(.dealer)
        // Not `immediate`: with it libzmq drops what has been received over a connection when that ends.
        try socket.set(.reconnectInterval, 50)
        try socket.set(.reconnectIntervalLimit, 1_000)
        try socket.configure(deadlines)
        monitor = try socket.monitor(events: [.handshake, .ending])
        try socket.connect(endpoint, security: security)
        linger = milliseconds(deadlines.linger)
        dealer = consume socket
    }

    /// Registers both sockets.
    func register(in poller: inout Poller) {
        switch dealer {
        case .some(let socket): _ = poller.add(socket)
        case nil: break
        }
        switch monitor {
        case .some(let monitor): monitorToken = poller.add(monitor.socket)
        case nil: break
        }
    }

    /// Notes what a wait has found: what becomes of the connection is looked for only where there is news of it.
    func noteReadiness(in poller: borrowing Poller) {
        monitorHasNews = monitorToken.map { !poller.events(for: $0).isEmpty } ?? false
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
        guard monitorHasNews else { return nil }
        while let event = try monitor?.next() {
            switch event.kind {
            case .handshakeSucceeded: return .connected
            case .disconnected: return .disconnected
            case .handshakeFailed(let failure): return .handshakeFailed(failure)
            default: continue
            }
        }
        monitorHasNews = false
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
        dealer.take()?.close(linger: linger)
    }
}

import LockstepCluster
import LockstepProtocol
import ZeroMQ

/// A worker's end of the wire: one DEALER socket to the coordinator, and the monitor that tells whether it stands.
final class WorkerLink {
    /// What came in.
    enum Event {
        case connected
        case disconnected
        /// A message; its payload, if it has one, is in ``payload``.
        case message(Header, hasPayload: Bool)
        case garbage(ProtocolError)
    }

    private var dealer: Socket?
    private var monitor: SocketMonitor
    private var headerFrame = Message()
    private(set) var payload = Message()
    /// Whether the frame read last has more parts of its message behind it.
    private var isWithinMessage = false
    private let outbox = Outbox()
    private let linger: Int32

    init(context: Context, connectingTo endpoint: Endpoint, deadlines: Deadlines) throws(ZeroMQError) {
        let socket = try context.socket(.dealer)
        try socket.set(.immediate, true)
        try socket.set(.reconnectInterval, 50)
        try socket.set(.reconnectIntervalLimit, 1_000)
        try socket.configure(deadlines)
        monitor = try socket.monitor(events: [.handshake, .ending])
        try socket.connect(endpoint)
        linger = milliseconds(deadlines.linger)
        dealer = consume socket
    }

    /// Registers both sockets.
    func register(in poller: inout Poller) {
        switch dealer {
        case .some(let socket): _ = poller.add(socket)
        case nil: break
        }
        _ = poller.add(monitor.socket)
    }

    /// The next event, or nil when there is none yet. Does not wait.
    func receive() throws(ZeroMQError) -> Event? {
        // The rest of a message is read before the end of its connection is told.
        if !isWithinMessage, let event = try nextConnectionEvent() { return event }
        guard try dealer?.receive(into: &headerFrame, wait: false) == .received else { return nil }
        isWithinMessage = headerFrame.more
        let header: Header
        do throws(ProtocolError) {
            header = try headerFrame.withUnsafeBytes { bytes throws(ProtocolError) in try Header(decoding: bytes) }
        } catch {
            try dealer?.discardRest(of: &headerFrame)
            isWithinMessage = false
            return .garbage(error)
        }
        guard header.kind.hasPayload, headerFrame.more else { return .message(header, hasPayload: false) }
        guard try dealer?.receive(into: &payload, wait: false) == .received else { return nil }
        isWithinMessage = payload.more
        return .message(header, hasPayload: true)
    }

    private func nextConnectionEvent() throws(ZeroMQError) -> Event? {
        while let event = try monitor.next() {
            switch event.kind {
            case .handshakeSucceeded: return .connected
            case .disconnected: return .disconnected
            default: continue
            }
        }
        return nil
    }

    /// Sends a message, together with those that follow soon. Without a connection it is dropped.
    ///
    /// - Parameter payload: Sent by reference: it must stay as it is until the coordinator has answered.
    func post(_ header: Header, borrowing payload: UnsafeRawBufferPointer? = nil) throws(ZeroMQError) {
        outbox.append(header, payload)
        if outbox.isFull { try flush() }
    }

    /// Sends a message whose payload is copied, and what waits before it. Without a connection it is dropped.
    func send(_ header: Header, copying payload: [UInt8]) throws(ZeroMQError) {
        try flush(endingWith: (header, payload))
    }

    /// Sends everything that waits.
    func flush(endingWith last: (header: Header, payload: [UInt8])? = nil) throws(ZeroMQError) {
        switch dealer {
        case .some(let socket): try outbox.flush(into: socket, endingWith: last, wait: false)
        case nil: outbox.removeAll()
        }
    }

    /// Closes the socket; its last messages leave in the background, within the linger deadline.
    func close() {
        dealer.take()?.close(linger: linger)
    }
}

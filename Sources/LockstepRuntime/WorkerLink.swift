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
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 16)
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

    deinit {
        scratch.deallocate()
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
        if let event = try nextConnectionEvent() { return event }
        guard try dealer?.receive(into: &headerFrame, wait: false) == .received else { return nil }
        let hasPayload = headerFrame.more
        if hasPayload {
            guard try dealer?.receive(into: &payload, wait: false) == .received else { return nil }
            try dealer?.discardRest(of: &payload)
        }
        do {
            let header = try headerFrame.withUnsafeBytes { bytes throws(ProtocolError) in try Header(decoding: bytes) }
            return .message(header, hasPayload: hasPayload)
        } catch {
            return .garbage(error)
        }
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

    /// Sends a message; false when there is no connection to send it on.
    ///
    /// - Parameter payload: Sent by reference: it must stay as it is until the coordinator has answered.
    func send(_ header: Header, borrowing payload: UnsafeRawBufferPointer? = nil) throws(ZeroMQError) -> Bool {
        guard try sendHead(header, more: payload != nil) else { return false }
        if let payload { _ = try dealer?.send(borrowing: payload, wait: false) }
        return true
    }

    /// Sends a message whose payload is copied; false when there is no connection to send it on.
    func send(_ header: Header, copying payload: [UInt8]) throws(ZeroMQError) -> Bool {
        guard try sendHead(header, more: true) else { return false }
        var frame = try Message(copying: payload)
        _ = try dealer?.send(&frame, wait: false)
        return true
    }

    private func sendHead(_ header: Header, more: Bool) throws(ZeroMQError) -> Bool {
        let head = UnsafeMutableRawBufferPointer(rebasing: scratch[..<Header.size])
        header.encode(into: head)
        return try dealer?.send(copying: UnsafeRawBufferPointer(head), more: more, wait: false) == .sent
    }

    /// Closes the socket; its last messages leave in the background, within the linger deadline.
    func close() {
        dealer.take()?.close(linger: linger)
    }
}

import Glibc
import LockstepCluster
import LockstepProtocol
import ZeroMQ

/// The coordinator's end of the wire: one ROUTER socket for all workers, and the monitor that tells who has gone.
///
/// A peer is named by the routing id that the ROUTER gives each connection: a zero byte and a number that is never
/// used again. A peer that chooses an id of its own is none of our workers and is not heard.
final class CoordinatorLink {
    /// Messages that may wait for or from one peer. Far more than a worker ever has under way (an assignment's chunks
    /// of at most 1 MiB, of two versions of the weights): it bounds the memory that a peer can fill who sends without
    /// end, or asks without reading the answers.
    private static let queueLength: Int32 = 8_192

    /// What came in.
    enum Event {
        /// A message; its payload, if it has one, is in ``payload``.
        case message(PeerID, Header, hasPayload: Bool)
        case garbage(PeerID, ProtocolError)
        case lost(PeerID)
        /// A connection was not let in; the reason, worth telling.
        case turnedAway(String)
    }

    private var router: Socket?
    private var monitor: SocketMonitor?
    private var identity = Message()
    private var headerFrame = Message()
    private(set) var payload = Message()
    /// The sender of the message whose parts are being read, while there are more.
    private var sender: PeerID?
    private let routingID = UnsafeMutableRawBufferPointer.allocate(byteCount: PeerID.routingIDSize, alignment: 8)
    /// What waits to be sent, by peer; `waiting` names those with anything, in order.
    private var outboxes: [PeerID: Outbox] = [:]
    private var waiting: [PeerID] = []
    /// The peer behind each connection's file descriptor, which the monitor names when the connection ends.
    private var peers: [Int32: PeerID] = [:]
    private var connections: [PeerID: PeerConnection] = [:]
    /// Peers that have been welcomed on their connection. Only for them the end of a run waits.
    private var guests: Set<PeerID> = []
    /// Peers whose end is known but not reported.
    private var lost: [PeerID] = []
    private var patience = Patience()
    /// Peers whose process has ended, by another sign, and when to give up waiting for the end of their connections:
    /// their last messages come before that.
    private var ending: [(peer: PeerID, until: Moment)] = []
    private var monitorToken: Poller.Token?
    private var monitorHasNews = true
    private let farewell: Int32
    private let linger: Double
    private let hasKeys: Bool
    private let zap: ZAPHandler?
    private var turnedAway = TurnedAway()
    private var gate: ListenerGate
    /// Seconds that a stranger has for a handshake, until a gate that was shut is looked at.
    private let gateInterval: Double
    /// When to look at it.
    private var gateDeadline: Moment?
    /// Whether somebody has been told that it was shut.
    private var hasToldOfGate = false
    /// What is worth telling about connections that were not let in.
    private var rejections: [String] = []
    /// What was bound, with the ports that 0 became.
    let endpoints: [Endpoint]

    /// - Parameters:
    ///   - context: The process's.
    ///   - ioThreads: As many as the context has.
    ///   - endpoints: Where to listen.
    ///   - keys: What protects the endpoints over tcp.
    ///   - deadlines: The run's.
    /// - Throws: `ZeroMQError` for an endpoint that cannot be bound, `SystemError` if there is no thread to be had.
    init(
        context: Context, ioThreads: Int32, binding endpoints: [Endpoint], keys: CoordinatorKeys?, deadlines: Deadlines
    ) throws {
        gate = try ListenerGate()
        gateInterval = deadlines.connection
        // Before the first bind: without a handler nobody would get in, and a second program on the port is found later.
        zap = try keys.map { try ZAPHandler(context: context, allowing: $0.allowed) }
        hasKeys = keys != nil
        let socket = try context.socket(.router)
        try socket.set(.routerMandatory, true)
        try socket.configure(deadlines)
        try socket.bound(queueLength: Self.queueLength)
        try socket.set(.backlog, gate.backlog)
        monitor = try socket.monitor(events: [.ending, .handshake, .listener])
        self.endpoints = try socket.bind(
            endpoints, security: keys.map { .server($0.keys) } ?? .none, ioThreads: ioThreads)
        self.farewell = milliseconds(deadlines.farewell)
        self.linger = deadlines.linger
        router = consume socket
    }

    deinit {
        routingID.deallocate()
    }

    /// Registers both sockets.
    func register(in poller: inout Poller) {
        switch router {
        case .some(let socket): _ = poller.add(socket)
        case nil: break
        }
        switch monitor {
        case .some(let monitor): monitorToken = poller.add(monitor.socket)
        case nil: break
        }
    }

    /// Notes what a wait has found: connections' ends are looked for only where there are some.
    func noteReadiness(in poller: borrowing Poller) {
        monitorHasNews = monitorToken.map { !poller.events(for: $0).isEmpty } ?? false
    }

    /// Closes both sockets; the last messages to those who were welcomed leave in the background, within the farewell
    /// deadline, which ending the context waits for.
    func close() {
        try? partWithStrangers()
        monitor = nil
        router.take()?.close(linger: farewell)
        zap?.stop()
    }

    /// Ends the connections of all who have spoken and were never welcomed. What waits for one that does not read would
    /// keep a closed socket for as long as its linger allows, and libzmq has one linger for all peers.
    private func partWithStrangers() throws(ZeroMQError) {
        try readMonitor()
        for (peer, connection) in connections where !guests.contains(peer) { connection.cut() }
        // libzmq's thread has to see these ends while the socket is open: it looks at no connection from which it could
        // not hand over what has come.
        let deadline = Moment.now.advanced(bySeconds: linger)
        while connections.keys.contains(where: { !guests.contains($0) }), deadline > .now {
            while try router?.receive(into: &identity, wait: false) == .received {
                try router?.discardRest(of: &identity)
            }
            try readMonitor()
            usleep(200)
        }
        lost.removeAll()
    }

    // MARK: - Receiving

    /// Whether ``receive()`` has something to tell without anything having come in.
    var hasNews: Bool { !lost.isEmpty || !rejections.isEmpty }

    /// When ``receive()`` may have something to tell without anything having come in.
    var nextDeadline: Moment? { Moment.earlier(ending.first?.until, gateDeadline) }

    /// Notes that a peer's process has gone. libzmq sees that, too, and what it had still received comes first.
    func expectEnd(of peer: PeerID) {
        ending.append((peer, Moment.now.advanced(bySeconds: 0.05)))
    }

    /// The next event, or nil when there is none yet. Does not wait.
    func receive() throws(ZeroMQError) -> Event? {
        // What a peer said last is read before its end is told: it may be a goodbye. A flood of what nobody hears must not
        // keep the loop from its deadlines.
        for _ in 0..<256 {
            if let peer = sender { return try receivePart(from: peer) }
            guard try router?.receive(into: &identity, wait: false) == .received else { break }
            guard let peer = identity.withUnsafeBytes({ PeerID(routingID: $0) }), identity.more, patience.hears(peer)
            else {
                try router?.discardRest(of: &identity)
                continue
            }
            sender = peer
        }
        if monitorHasNews {
            monitorHasNews = false
            try readMonitor()
        }
        if let overdue = ending.first, overdue.until <= .now { lose(overdue.peer) }
        if let deadline = gateDeadline, deadline <= .now { openGate() }
        if let peer = lost.popLast() { return .lost(peer) }
        return rejections.isEmpty ? nil : .turnedAway(rejections.removeFirst())
    }

    /// A header and, if its kind has one, its payload; a message may have several such parts.
    private func receivePart(from peer: PeerID) throws(ZeroMQError) -> Event? {
        guard try router?.receive(into: &headerFrame, wait: false) == .received else { return nil }
        sender = headerFrame.more ? peer : nil
        try remember(peer)
        let header: Header
        do throws(ProtocolError) {
            header = try headerFrame.withUnsafeBytes { bytes throws(ProtocolError) in try Header(decoding: bytes) }
        } catch {
            try router?.discardRest(of: &headerFrame)
            sender = nil
            return .garbage(peer, error)
        }
        guard header.kind.hasPayload, headerFrame.more else { return .message(peer, header, hasPayload: false) }
        guard try router?.receive(into: &payload, wait: false) == .received else { return nil }
        sender = payload.more ? peer : nil
        return .message(peer, header, hasPayload: true)
    }

    /// Notes a new peer's connection. The end of whatever had the descriptor before was reported earlier than the new
    /// connection, so it is read first; else it would be taken for the new one's.
    private func remember(_ peer: PeerID) throws(ZeroMQError) {
        guard connections[peer] == nil, let descriptor = headerFrame.sourceDescriptor else { return }
        try readMonitor()
        connections[peer] = PeerConnection(descriptor)
        peers[descriptor] = peer
    }

    private func readMonitor() throws(ZeroMQError) {
        while let event = try monitor?.next() {
            switch event.kind {
            case .disconnected:
                if let descriptor = event.descriptor, let peer = peers[descriptor] { lose(peer) }
            case .handshakeFailed(let failure):
                note(failure.reason(hasKeys: hasKeys))
            case .listening: gate.guardListener(event)
            case .acceptFailed(let code): shutGate(code)
            default:
                continue
            }
        }
    }

    /// Accepting has failed: libzmq would try again and again.
    private func shutGate(_ code: Int32) {
        guard code == EMFILE || code == ENFILE, !gate.isShut else { return }
        gate.shut()
        gateDeadline = Moment.now.advanced(bySeconds: gateInterval)
        guard !hasToldOfGate else { return }
        hasToldOfGate = true
        rejections.append(
            "connections cannot be accepted: \(String(cString: strerror(code))); raise the limit (ulimit -Hn)")
    }

    /// Opens the gate, or looks again later.
    private func openGate() {
        gate.openIfPossible()
        gateDeadline = gate.isShut ? Moment.now.advanced(bySeconds: gateInterval) : nil
    }

    private func note(_ reason: String) {
        let addresses = zap?.takeRefusedAddresses() ?? []
        if let line = turnedAway.add(reason, from: addresses) { rejections.append(line) }
    }

    private func lose(_ peer: PeerID) {
        if let connection = connections.removeValue(forKey: peer), peers[connection.descriptor] == peer {
            peers[connection.descriptor] = nil
        }
        guests.remove(peer)
        ending.removeAll { $0.peer == peer }
        outboxes[peer] = nil
        patience.forget(peer)
        lost.append(peer)
    }

    // MARK: - Sending

    /// Sends a message, together with others to the same peer that follow soon. The payload is sent by reference: it
    /// must stay as it is until the peer has answered or gone.
    func post(to peer: PeerID, _ header: Header, borrowing payload: UnsafeRawBufferPointer? = nil) throws(ZeroMQError) {
        let outbox = outbox(of: peer)
        if outbox.isEmpty { waiting.append(peer) }
        outbox.append(header, payload)
        if outbox.isFull { try flush(peer, outbox) }
    }

    /// Sends a message whose payload is copied, and what waits for the same peer before it.
    func send(to peer: PeerID, _ header: Header, copying payload: [UInt8]) throws(ZeroMQError) {
        switch patience.allows(header.kind, to: peer) {
        case .send: break
        case .drop: return
        case .giveUp: return lost.append(peer)
        }
        if header.kind == .welcome { guests.insert(peer) }
        let outbox = outbox(of: peer)
        try payload.span.bytes.withUnsafeBytes { bytes throws(ZeroMQError) in
            try flush(peer, outbox, endingWith: (header, bytes))
        }
    }

    /// Sends everything that waits.
    func flush() throws(ZeroMQError) {
        for peer in waiting {
            if let outbox = outboxes[peer], !outbox.isEmpty { try flush(peer, outbox) }
        }
        waiting.removeAll(keepingCapacity: true)
    }

    private func outbox(of peer: PeerID) -> Outbox {
        if let outbox = outboxes[peer] { return outbox }
        let outbox = Outbox()
        outboxes[peer] = outbox
        return outbox
    }

    /// A peer that cannot be reached is lost.
    private func flush(
        _ peer: PeerID, _ outbox: Outbox,
        endingWith last: (header: Header, payload: UnsafeRawBufferPointer)? = nil
    ) throws(ZeroMQError) {
        peer.writeRoutingID(to: routingID)
        switch router {
        case nil:
            outbox.removeAll()
        case .some(let socket):
            do throws(ZeroMQError) {
                // A full queue is that of a peer that does not read: none of ours ever has so much under way.
                guard try socket.send(copying: UnsafeRawBufferPointer(routingID), more: true, wait: false) == .sent
                else {
                    outbox.removeAll()
                    connections[peer]?.cut()
                    return lose(peer)
                }
                try outbox.flush(into: socket, endingWith: last, wait: true)
            } catch {
                guard error.isHostUnreachable else { throw error }
                outbox.removeAll()
                lose(peer)
            }
        }
    }
}

extension PeerID {
    /// Bytes of a routing id that libzmq makes up.
    static let routingIDSize = 5

    init?(routingID bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.routingIDSize, bytes[0] == 0 else { return nil }
        self.init(rawValue: bytes.loadUnaligned(fromByteOffset: 1, as: UInt32.self))
    }

    func writeRoutingID(to bytes: UnsafeMutableRawBufferPointer) {
        bytes[0] = 0
        bytes.storeBytes(of: rawValue, toByteOffset: 1, as: UInt32.self)
    }
}

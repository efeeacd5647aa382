import LockstepCluster
import LockstepProtocol
import ZeroMQ

/// The coordinator's end of the wire: one ROUTER socket for all workers, and the monitor that tells who has gone.
///
/// A peer is named by the routing id that the ROUTER gives each connection: a zero byte and a number that is never
/// used again. A peer that chooses an id of its own is none of our workers and is not heard.
final class CoordinatorLink {
    /// What came in.
    enum Event {
        /// A message; its payload, if it has one, is in ``payload``.
        case message(PeerID, Header, hasPayload: Bool)
        case garbage(PeerID, ProtocolError)
        case lost(PeerID)
    }

    private var router: Socket?
    private var monitor: SocketMonitor
    private var identity = Message()
    private var headerFrame = Message()
    private(set) var payload = Message()
    /// Reused for every outgoing routing id and header.
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 16)
    /// The peer behind each connection's file descriptor, which the monitor names when the connection ends.
    private var peers: [Int32: PeerID] = [:]
    private var descriptors: [PeerID: Int32] = [:]
    /// Peers whose end is known but not reported.
    private var lost: [PeerID] = []
    private let linger: Int32
    /// What was bound, with the ports that 0 became.
    let endpoints: [Endpoint]

    init(context: Context, binding endpoints: [Endpoint], deadlines: Deadlines) throws(ZeroMQError) {
        let socket = try context.socket(.router)
        try socket.set(.routerMandatory, true)
        try socket.configure(deadlines)
        monitor = try socket.monitor(events: .ending)
        var bound: [Endpoint] = []
        for endpoint in endpoints { bound.append(try socket.bind(endpoint)) }
        self.endpoints = bound
        self.linger = milliseconds(deadlines.linger)
        router = consume socket
    }

    deinit {
        scratch.deallocate()
    }

    /// Registers both sockets.
    func register(in poller: inout Poller) {
        switch router {
        case .some(let socket): _ = poller.add(socket)
        case nil: break
        }
        _ = poller.add(monitor.socket)
    }

    /// The next event, or nil when there is none yet. Does not wait.
    func receive() throws(ZeroMQError) -> Event? {
        if let peer = lost.popLast() { return .lost(peer) }
        while try router?.receive(into: &identity, wait: false) == .received {
            guard let event = try receiveRest() else { continue }
            return event
        }
        try readMonitor()
        return lost.popLast().map { .lost($0) }
    }

    /// The frames behind the routing id; nil for what is not even worth an answer.
    private func receiveRest() throws(ZeroMQError) -> Event? {
        guard identity.more else { return nil }
        let peer = identity.withUnsafeBytes { PeerID(routingID: $0) }
        guard try router?.receive(into: &headerFrame, wait: false) == .received else { return nil }
        let hasPayload = headerFrame.more
        if hasPayload {
            guard try router?.receive(into: &payload, wait: false) == .received else { return nil }
            try router?.discardRest(of: &payload)
        }
        guard let peer else { return nil }
        try remember(peer)
        do {
            let header = try headerFrame.withUnsafeBytes { bytes throws(ProtocolError) in try Header(decoding: bytes) }
            return .message(peer, header, hasPayload: hasPayload)
        } catch {
            return .garbage(peer, error)
        }
    }

    /// Notes a new peer's connection. The end of whatever had the descriptor before was reported earlier than the new
    /// connection, so it is read first; else it would be taken for the new one's.
    private func remember(_ peer: PeerID) throws(ZeroMQError) {
        guard descriptors[peer] == nil, let descriptor = headerFrame.sourceDescriptor else { return }
        try readMonitor()
        descriptors[peer] = descriptor
        peers[descriptor] = peer
    }

    private func readMonitor() throws(ZeroMQError) {
        while let event = try monitor.next() {
            guard event.kind == .disconnected, let descriptor = event.descriptor else { continue }
            guard let peer = peers.removeValue(forKey: descriptor) else { continue }
            forget(peer)
            lost.append(peer)
        }
    }

    private func forget(_ peer: PeerID) {
        if let descriptor = descriptors.removeValue(forKey: peer) { peers[descriptor] = nil }
    }

    /// Sends a message. Small frames are copied into libzmq's own, which costs no allocation.
    ///
    /// - Parameter payload: Sent by reference: it must stay where it is until the peer has answered or gone.
    /// - Returns: False when the peer has gone.
    func send(
        to peer: PeerID, _ header: Header, borrowing payload: UnsafeRawBufferPointer? = nil
    ) throws(ZeroMQError) -> Bool {
        guard try sendHead(to: peer, header, more: payload != nil) else { return false }
        if let payload { _ = try router?.send(borrowing: payload) }
        return true
    }

    /// Sends a message whose payload is copied.
    func send(to peer: PeerID, _ header: Header, copying payload: [UInt8]) throws(ZeroMQError) -> Bool {
        guard try sendHead(to: peer, header, more: true) else { return false }
        let frame = try Message(copying: payload)
        try router?.send(frame)
        return true
    }

    private func sendHead(to peer: PeerID, _ header: Header, more: Bool) throws(ZeroMQError) -> Bool {
        let identity = UnsafeMutableRawBufferPointer(rebasing: scratch[..<PeerID.routingIDSize])
        let head = UnsafeMutableRawBufferPointer(rebasing: scratch[32..<32 + Header.size])
        peer.writeRoutingID(to: identity)
        header.encode(into: head)
        do {
            guard try router?.send(copying: UnsafeRawBufferPointer(identity), more: true) == .sent else { return false }
        } catch {
            guard error.isHostUnreachable else { throw error }
            return false
        }
        _ = try router?.send(copying: UnsafeRawBufferPointer(head), more: more)
        return true
    }

    /// Closes the socket; its last messages leave in the background, within the linger deadline.
    func close() {
        router.take()?.close(linger: linger)
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

import Glibc
import LockstepCluster
import LockstepProtocol
import LockstepSystem
import LockstepTimeline
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

    var router: Socket?
    var monitor: SocketMonitor?
    var identity = Message()
    var headerFrame = Message()
    var payload = Message()
    /// The sender of the message whose parts are being read, while there are more.
    var sender: PeerID?
    let routingID = UnsafeMutableRawBufferPointer.allocate(byteCount: PeerID.routingIDSize, alignment: 8)
    /// What waits to be sent, by peer; `waiting` names those with anything, in order.
    var outboxes: [PeerID: Outbox] = [:]
    var waiting: [PeerID] = []
    /// The peer behind each connection's file descriptor, which the monitor names when the connection ends.
    var peers: [Int32: PeerID] = [:]
    var connections: [PeerID: PeerConnection] = [:]
    /// Peers that have been welcomed on their connection. Only for them the end of a run waits.
    var guests: Set<PeerID> = []
    /// Peers whose end is known but not reported.
    var lost: [PeerID] = []
    var patience = Patience()
    /// Peers whose process has ended, by another sign, and when to give up waiting for the end of their connections:
    /// their last messages come before that.
    var ending: [(peer: PeerID, until: Instant)] = []
    private var monitorToken: Poller.Token?
    var monitorHasNews = true
    private let farewell: Int32
    private let linger: Double
    let hasKeys: Bool
    let zap: ZAPHandler?
    var turnedAway = TurnedAway()
    var gate: ListenerGate
    /// Seconds that a stranger has for a handshake, until a gate that was shut is looked at.
    let gateInterval: Double
    /// When to look at it.
    var gateDeadline: Instant?
    /// Whether somebody has been told that it was shut.
    var hasToldOfGate = false
    /// What is worth telling about connections that were not let in.
    var rejections: [String] = []
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
        let deadline = Instant.now.advanced(bySeconds: linger)
        while connections.keys.contains(where: { !guests.contains($0) }), deadline > .now {
            while try router?.receive(into: &identity, wait: false) == .received {
                try router?.discardRest(of: &identity)
            }
            try readMonitor()
            usleep(200)
        }
        lost.removeAll()
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

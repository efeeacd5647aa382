import Glibc
import LockstepCluster
import LockstepProtocol
import LockstepTimeline
import ZeroMQ
import LockstepSystem

/// The coordinator's end of the wire: one ROUTER socket for all workers, and the table of its connections.
///
/// A peer is named by the routing id that the ROUTER gives each connection: a zero byte and a number that is never
/// used again. A peer that chooses an id of its own is none of our workers, and its connection is cut.
///
/// Messages of active members are handled as they come; those of all other peers wait until no member's is there, and how
/// many each may send is limited (``RequestAllowance``, ``DeferredMessages``).
final class CoordinatorLink {
    /// Messages that may wait for one peer. Far more than a worker ever has under way (an assignment's chunks of at most
    /// 1 MiB, of two versions of the weights): it bounds the memory that a peer can fill which asks without reading the
    /// answers. What may wait from a peer is bounded by ``ConnectionLimits``: at a high-water mark for incoming messages
    /// libzmq 4.3.4 stops reading a connection, and aborts the process if it ends then and a heartbeat is due.
    private static let queueLength: Int32 = 8_192

    /// What came in.
    enum Event {
        /// A message; its payload, if it has one, is in ``payload``.
        case message(PeerID, Header, hasPayload: Bool)
        case garbage(PeerID, ProtocolError)
        case lost(PeerID)
        /// A connection was not let in or not kept; the reason, worth telling.
        case turnedAway(String)
    }

    var router: Socket?
    var identity = Message()
    var headerFrame = Message()
    var payload = Message()
    /// The member whose message's parts are being read, while there are more, and frames of it so far.
    var sender: Peer?
    var framesRead = 0
    let routingID = UnsafeMutableRawBufferPointer.allocate(byteCount: PeerID.routingIDSize, alignment: 8)
    var peers: [PeerID: Peer] = [:]
    /// The peer behind each connection.
    var peerOfConnection: [ObjectIdentifier: Peer] = [:]
    let connections: ConnectionTable
    var connectionsHaveNews = true
    /// Peers with anything that waits to be sent, in order.
    var waiting: [Peer] = []
    var deferred = DeferredMessages()
    /// When one of them was handled last.
    var lastDeferred = Instant.now
    /// Whether messages have come that have not been read.
    var hasUnread = false
    /// Peers whose end is known but not reported.
    var lost: [PeerID] = []
    /// Peers whose process has ended, by another sign, and when to give up waiting for the end of their connections:
    /// their last messages come before that.
    var ending: [(peer: Peer, until: Instant)] = []
    private var newsToken: Poller.Token?
    private let context: Context
    private let farewell: Double
    private let linger: Double
    let hasKeys: Bool
    let zap: ZAPHandler?
    var rejectionLog = RejectionLog()
    var acceptThrottle: AcceptThrottle
    /// Seconds until a paused throttle is checked again: connections that never complete a handshake have ended by then.
    let acceptRetryInterval: Double
    /// When to check it; nil while it is not paused.
    var acceptRetryDeadline: Instant?
    /// Whether a pause has been reported.
    var hasReportedPause = false
    /// What is worth telling about connections that were not let in.
    var rejections: [String] = []
    /// What was bound, with the ports that 0 became.
    let endpoints: [Endpoint]

    /// - Parameters:
    ///   - context: The process's.
    ///   - ioThreads: As many as the context has.
    ///   - endpoints: Where to listen.
    ///   - keys: What protects the endpoints over tcp.
    ///   - limits: How much of what a peer sends may lie unread.
    ///   - deadlines: The run's.
    /// - Throws: `ZeroMQError` for an endpoint that cannot be bound, `SystemError` if there is no thread to be had.
    init(
        context: Context, ioThreads: Int32, binding endpoints: [Endpoint], keys: CoordinatorKeys?,
        limits: ConnectionLimits, deadlines: Deadlines
    ) throws {
        acceptThrottle = try AcceptThrottle()
        acceptRetryInterval = deadlines.connection
        // Before the first bind: without a handler nobody would get in, and a second program on the port is found later.
        zap = try keys.map { try ZAPHandler(context: context, allowing: $0.allowed) }
        hasKeys = keys != nil
        let socket = try context.socket(.router)
        try socket.set(.routerMandatory, true)
        try socket.configure(deadlines)
        try socket.set(.sendHighWaterMark, Self.queueLength)
        try socket.set(.backlog, acceptThrottle.backlog)
        // Never `handshakeProtocol`: some connections are established.
        connections = try ConnectionTable(
            try socket.monitor(events: [.ending, .handshake, .listener]), limits: limits)
        do {
            self.endpoints = try socket.bind(
                endpoints, security: keys.map { .server($0.keys) } ?? .none, ioThreads: ioThreads)
        } catch {
            connections.close()
            throw error
        }
        self.context = context
        self.farewell = deadlines.drain
        self.linger = deadlines.linger
        router = consume socket
    }

    deinit {
        connections.close()
        routingID.deallocate()
    }

    /// Registers the socket and the table.
    func register(in poller: inout Poller) {
        switch router {
        case .some(let socket): _ = poller.add(socket)
        case nil: break
        }
        newsToken = poller.add(descriptor: connections.descriptor)
    }

    /// Notes what a wait has found: connections' ends are looked for only where there are some.
    func noteReadiness(in poller: borrowing Poller) {
        connectionsHaveNews = newsToken.map { !poller.events(for: $0).isEmpty } ?? false
    }

    /// Ends all connections and closes the socket: those of peers that were welcomed once they have what was sent to
    /// them and have hung up, or the farewell deadline has passed, and all others at once.
    ///
    /// The socket stays open meanwhile and is read. libzmq 4.3.4 takes nothing in for one that is closed and has messages to
    /// send, and aborts the process if a peer speaks and hangs up then and a heartbeat is due.
    func close() {
        guard router != nil else { return }
        try? waitForEnds(of: { !$0.isWelcomed }, seconds: linger, cutting: true)
        try? waitForEnds(of: { _ in true }, seconds: farewell, cutting: false)
        try? waitForEnds(of: { _ in true }, seconds: linger, cutting: true)
        connections.close()
        router.take()?.close(linger: 0)
        lost.removeAll()
        zap?.stop()
    }

    /// Reads and drops what comes until the connections of these peers have ended, or so much time has passed.
    private func waitForEnds(of concerned: (Peer) -> Bool, seconds: Double, cutting: Bool) throws(ZeroMQError) {
        let deadline = Instant.now.advanced(bySeconds: seconds)
        var poller = Poller(context: context)
        register(in: &poller)
        connectionsHaveNews = true
        sender = nil
        while true {
            // Bounded, for a peer may send faster than it is read.
            for _ in 0..<10_000 {
                guard try router?.receive(into: &identity, wait: false) == .received else { break }
            }
            try readNews()
            let left = peers.values.filter(concerned)
            guard !left.isEmpty, deadline > .now else { return }
            if cutting { for peer in left { peer.connection?.end() } }
            _ = try poller.wait(timeoutMilliseconds: min(20, Poller.timeout(until: deadline, now: .now)))
            noteReadiness(in: poller)
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

import Glibc
import LockstepCluster
import LockstepProtocol
import LockstepSystem
import LockstepTimeline
import ZeroMQ

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
        /// A message; its payload, if it has one, is what ``withPayload(_:)`` gives.
        case message(PeerID, Header, hasPayload: Bool)
        case garbage(PeerID, ProtocolError)
        case lost(PeerID)
        /// A connection was not let in or not kept; the reason, worth telling.
        case rejected(String)
    }

    /// The message that is being read, frame by frame.
    struct IncomingFrames: ~Copyable {
        var identity = Message()
        var header = Message()
        var payload = Message()
        /// The member whose message's parts are being read, while there are more.
        var sender: Peer?
        /// Frames of the message so far, without the identity.
        var count = 0
    }

    var router: Socket?
    var frames = IncomingFrames()
    let routingID = UnsafeMutableRawBufferPointer.allocate(byteCount: PeerID.routingIDSize, alignment: 8)
    var peers = PeerTable()
    let connections: ConnectionTable
    var hasConnectionEvents = true
    /// Peers with anything that waits to be sent, in order.
    var waiting: [Peer] = []
    var deferred = DeferredMessages()
    /// Whether messages have arrived that have not been read.
    var hasUnread = false
    var reports: ConnectionReports
    var acceptance: AcceptanceControl
    private var connectionToken: Poller.Token?
    private let context: Context
    private let deadlines: Deadlines
    /// What was bound, with the ports that 0 became.
    let endpoints: [Endpoint]

    /// The payload of the message that was received last, if it has one.
    func withPayload<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try frames.payload.withUnsafeBytes(body)
    }

    /// Bytes of that payload.
    var payloadBytes: Int { frames.payload.count }

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
        acceptance = try AcceptanceControl(retryInterval: deadlines.connection)
        // Before the first bind: libzmq rejects every client while there is no handler. If another program has the port, that
        // shows only later.
        reports = ConnectionReports(zap: try keys.map { try ZAPHandler(context: context, allowing: $0.allowed) })
        let socket = try context.socket(.router)
        try socket.set(.routerMandatory, true)
        try socket.configure(deadlines)
        try socket.set(.sendHighWaterMark, Self.queueLength)
        try socket.set(.backlog, acceptance.backlog)
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
        self.deadlines = deadlines
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
        connectionToken = poller.add(descriptor: connections.descriptor)
    }

    /// Records whether the last wait has found news of connections; ``receive()`` reads them only then.
    func recordReadiness(in poller: borrowing Poller) {
        hasConnectionEvents = connectionToken.map { !poller.events(for: $0).isEmpty } ?? false
    }

    /// Ends all connections and closes the socket: welcomed peers' once what was sent to them has left, or the drain
    /// deadline has passed, and all others at once.
    ///
    /// The socket stays open meanwhile and is read. A socket that is closed and still has messages to send receives nothing
    /// more, and libzmq 4.3.4 aborts the process if a peer speaks and hangs up then and a heartbeat is due.
    func close() {
        guard router != nil else { return }
        try? wait(for: { !$0.isWelcomed && $0.connection != nil }, seconds: deadlines.linger, { $0.end() })
        var checks: [PeerID: Int] = [:]
        // A connection that takes more bytes at three looks has taken all that libzmq had for it.
        try? wait(
            for: { peer in
                guard let connection = peer.connection else { return false }
                guard connection.isWritable else { return true }
                checks[peer.id, default: 0] += 1
                return checks[peer.id, default: 0] < 3
            }, seconds: deadlines.drain)
        try? wait(for: { $0.connection?.isWritable == false }, seconds: deadlines.linger, { $0.end() })
        connections.close()
        router.take()?.close(linger: milliseconds(deadlines.linger))
        reports.stop()
    }

    /// Reads and drops what arrives until no peer is waited for, or so much time has passed.
    ///
    /// - Parameters:
    ///   - isAwaited: Whether a peer whose connection stands is waited for; asked every few milliseconds.
    ///   - seconds: How long to wait at most.
    ///   - act: Called each time with the connection of a peer that is waited for.
    /// - Throws: `ZeroMQError` if the sockets cannot be read.
    private func wait(
        for isAwaited: (Peer) -> Bool, seconds: Double, _ act: (Connection) -> Void = { _ in }
    ) throws(ZeroMQError) {
        let deadline = Instant.now.advanced(bySeconds: seconds)
        var poller = Poller(context: context)
        register(in: &poller)
        hasConnectionEvents = true
        frames.sender = nil
        while true {
            // Bounded, for a peer may send faster than it is read.
            for _ in 0..<10_000 {
                guard try router?.receive(into: &frames.identity, wait: false) == .received else { break }
            }
            try readConnectionEvents()
            let left = peers.all.filter(isAwaited)
            guard !left.isEmpty, deadline > .now else { return }
            for peer in left { if let connection = peer.connection { act(connection) } }
            _ = try poller.wait(timeoutMilliseconds: min(5, Poller.timeout(until: deadline, now: .now)))
            recordReadiness(in: poller)
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

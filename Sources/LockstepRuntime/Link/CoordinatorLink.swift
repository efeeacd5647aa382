import Glibc
import LockstepCluster
import LockstepProtocol
import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// The coordinator's sockets: one ROUTER socket for all workers, and the table of its connections.
///
/// The ROUTER names each connection by a routing ID: a zero byte and a number that it never uses again. A peer that
/// chooses its own routing ID is no worker of this program, and its connection is cut.
///
/// Messages of active members are handled at once. Messages of other peers wait until no member's message is left
/// (``DeferredMessages``), and each such peer may send only a limited number (``RequestAllowance``).
final class CoordinatorLink {
    /// The most messages that wait to be sent to one peer. A worker never has nearly as many under way: an assignment,
    /// and chunks of at most 1 MiB of two versions of the weights. The limit bounds the memory that a peer can fill by
    /// sending requests without reading the answers.
    ///
    /// Incoming messages have no high-water mark; ``ConnectionLimits`` bounds them. At such a mark libzmq 4.3.4 stops
    /// reading the connection, and aborts the process if the connection ends while a heartbeat is due.
    private static let queueLength: Int32 = 8_192

    /// What the link has received.
    enum Event {
        /// A message; ``withPayload(_:)`` gives its payload, if it has one.
        case message(PeerID, Header, hasPayload: Bool)
        case garbage(PeerID, ProtocolError)
        case lost(PeerID)
        /// Connections were rejected or cut; the reason, for people.
        case rejected(String)
    }

    /// The message that is being read, frame by frame.
    struct IncomingFrames: ~Copyable {
        var identity = Message()
        var header = Message()
        var payload = Message()
        /// The member whose message has more parts to read; nil between messages.
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
    /// Peers with queued messages, in order.
    var waiting: [Peer] = []
    var deferred = DeferredMessages()
    /// Whether the socket holds messages that have not been read.
    var hasUnread = false
    var reports: ConnectionReports
    var acceptance: AcceptanceControl
    private var connectionToken: Poller.Token?
    private let context: Context
    private let deadlines: Deadlines
    /// The bound endpoints; a port of 0 is replaced by the port that the system chose.
    let endpoints: [Endpoint]

    /// Calls `body` with the payload of the last message.
    func withPayload<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try frames.payload.withUnsafeBytes(body)
    }

    /// Bytes of that payload.
    var payloadBytes: Int { frames.payload.count }

    /// - Parameters:
    ///   - context: The process's context.
    ///   - ioThreads: The number of the context's I/O threads.
    ///   - endpoints: Where to listen.
    ///   - keys: The keys that protect TCP endpoints; nil: TCP is unprotected.
    ///   - limits: How many bytes a peer may leave unread.
    ///   - deadlines: The run's deadlines.
    /// - Throws: `ZeroMQError` if an endpoint cannot be bound, `SystemError` if a thread cannot be started.
    init(
        context: Context, ioThreads: Int32, binding endpoints: [Endpoint], keys: CoordinatorKeys?,
        limits: ConnectionLimits, deadlines: Deadlines
    ) throws {
        acceptance = try AcceptanceControl(retryInterval: deadlines.connection)
        Pacing.start()
        // Before the first bind: without a handler libzmq rejects every client. A port that another program uses is
        // found only afterwards, by `bind`.
        reports = ConnectionReports(zap: try keys.map { try ZAPHandler(context: context, allowing: $0.allowed) })
        let socket = try context.socket(.router)
        try socket.set(.routerMandatory, true)
        try SocketPolicy.configure(socket, deadlines)
        try socket.set(.sendHighWaterMark, Self.queueLength)
        try socket.set(.backlog, acceptance.backlog)
        // Never `handshakeProtocol`: libzmq also sends it for connections that are established.
        connections = try ConnectionTable(
            try socket.monitor(events: [.ending, .handshake, .listener]), limits: limits)
        do {
            try connections.start()
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

    /// Has the poller watch the socket and the table of connections.
    func register(in poller: inout Poller) {
        switch router {
        case .some(let socket): _ = poller.add(socket)
        case nil: break
        }
        connectionToken = poller.add(descriptor: connections.descriptor)
    }

    /// Records whether the last wait found events of connections; ``receive()`` reads them only then.
    func recordReadiness(in poller: borrowing Poller) {
        hasConnectionEvents = connectionToken.map { !poller.events(for: $0).isEmpty } ?? false
    }

    /// Ends all connections and closes the socket. The connection of a welcomed peer ends once everything has been sent
    /// to it, or at the drain deadline; all other connections end at once.
    ///
    /// Meanwhile the socket stays open, and what arrives is read and discarded. A closed socket that still has messages
    /// to send receives nothing more: libzmq 4.3.4 then aborts the process if a peer sends a message and disconnects
    /// while a heartbeat is due.
    func close() {
        guard router != nil else { return }
        try? wait(for: { !$0.isWelcomed && $0.connection != nil }, seconds: deadlines.linger, { $0.end() })
        var checks: [PeerID: Int] = [:]
        // A connection that is writable at three checks has sent everything that libzmq had for it.
        try? wait(
            for: { peer in
                guard let connection = peer.connection else { return false }
                guard connection.isWritable, !connection.hasBytesUnderWay else { return true }
                checks[peer.id, default: 0] += 1
                return checks[peer.id, default: 0] < 3
            }, seconds: deadlines.drain)
        try? wait(for: { $0.connection?.isWritable == false }, seconds: deadlines.linger, { $0.end() })
        connections.close()
        router.take()?.close(linger: SocketPolicy.milliseconds(deadlines.linger))
        reports.stop()
    }

    /// Reads and discards what arrives until no peer is awaited any more, or so much time has passed.
    ///
    /// - Parameters:
    ///   - isAwaited: Whether a connected peer is awaited; called every few milliseconds.
    ///   - seconds: The longest wait.
    ///   - act: Called each time with the connection of an awaited peer.
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
            // Bounded: a peer may send faster than this loop reads.
            for _ in 0..<10_000 {
                guard try router?.receive(into: &frames.identity, wait: false) == .received else { break }
            }
            try readConnectionEvents()
            let left = peers.all.filter { !$0.hasEnded && isAwaited($0) }
            guard !left.isEmpty, deadline > .now else { return }
            for peer in left { if let connection = peer.connection { act(connection) } }
            _ = try poller.wait(timeoutMilliseconds: min(5, SocketPolicy.pollTimeout(until: deadline, now: .now)))
            recordReadiness(in: poller)
        }
    }
}

extension PeerID {
    /// Bytes of a routing ID that libzmq generates.
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

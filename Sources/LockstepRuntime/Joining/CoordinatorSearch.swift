import LockstepCluster
import LockstepProtocol
import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// Finds the coordinator among several endpoints: it asks all of them at once, and the first that answers is it.
///
/// One of a host's addresses may lead nowhere, or to another program. A coordinator with keys proves in the handshake that it
/// owns its key, so the wrong program cannot answer.
final class CoordinatorSearch {
    /// A socket that asks one address.
    private final class Question {
        let endpoint: Endpoint
        private var socket: Socket?
        private var monitor: SocketMonitor?
        private var frame = Message()
        private var failures = 0
        /// When to open a new socket; nil while the present one may still get an answer.
        private var retry: Instant?
        /// Why no answer can come; nil if one still may.
        private(set) var refusal: String?
        /// Why none may come, if several handshakes have failed in a row. A coordinator closes the connection of a worker
        /// with another coordinator's key without a word.
        private(set) var doubt: String?
        private static let failuresUntilDoubt = 3

        init(_ endpoint: Endpoint) {
            self.endpoint = endpoint
        }

        /// Opens a socket if one is due, and reads what has come.
        ///
        /// - Returns: Whether the endpoint has answered.
        func advance(_ context: Context, _ security: ConnectionSecurity, _ deadlines: Deadlines) throws -> Bool {
            if refusal != nil { return false }
            if case .ipc(let path) = endpoint, let reason = SocketFile.reasonAgainstConnecting(to: path) {
                refusal = "\(endpoint): \(reason)"
                return false
            }
            if socket == nil || retry.map({ $0 <= .now }) ?? false { try open(context, security, deadlines) }
            while try socket?.receive(into: &frame, wait: false) == .received {
                let header = frame.withUnsafeBytes { try? Header(decoding: $0) }
                try socket?.discardRest(of: &frame)
                if header != nil { return true }
            }
            while let event = try monitor?.next() { try handle(event, hasKeys: security.hasKeys) }
            return false
        }

        private func open(_ context: Context, _ security: ConnectionSecurity, _ deadlines: Deadlines) throws {
            retry = nil
            monitor = nil
            socket.take()?.close(linger: 0)
            let next = try context.socket(.dealer)
            try next.set(.reconnectInterval, 100)
            try next.set(.reconnectIntervalLimit, 1_000)
            try SocketPolicy.configure(next, deadlines)
            monitor = try next.monitor(events: [.handshake, .handshakeProtocol])
            try next.connect(endpoint, security: security)
            socket = consume next
        }

        private func handle(_ event: SocketEvent, hasKeys: Bool) throws {
            switch event.kind {
            case .handshakeSucceeded:
                (failures, doubt) = (0, nil)
                // Watching `handshakeProtocol` any longer would harm an established connection.
                try monitor?.watch(.handshake)
                let bytes = Header(kind: .ping, offset: 1).encoded(payload: [0])
                try socket?.send(Message(copying: bytes), more: true)
                try socket?.send(Message(copying: [0]))
            case .handshakeFailed(let failure):
                refusal = HandshakeExplanation.finalReason(failure, endpoint: endpoint, hasKeys: hasKeys)
                failures += 1
                if failures >= Self.failuresUntilDoubt {
                    doubt = HandshakeExplanation.doubt(endpoint: endpoint, hasKeys: hasKeys)
                }
                retry = Instant.now.advanced(bySeconds: min(1, 0.05 * Double(1 << min(failures, 5))))
            default:
                break
            }
        }

        func close() {
            monitor = nil
            socket.take()?.close(linger: 0)
        }
    }

    /// Seconds between two looks at the sockets, and between two readings of names and files.
    private static let (interval, refreshInterval) = (0.01, 1.0)

    private let addresses: CoordinatorAddresses
    private let context: Context
    private let security: ConnectionSecurity
    private let deadlines: Deadlines
    private var questions: [Question] = []
    private var nextRefresh = Instant(nanoseconds: 0)

    init(
        for addresses: CoordinatorAddresses, context: Context, security: ConnectionSecurity, deadlines: Deadlines
    ) {
        self.addresses = addresses
        self.context = context
        self.security = security
        self.deadlines = deadlines
    }

    /// Asks until an endpoint answers.
    ///
    /// - Parameters:
    ///   - isStopped: Whether this process was told to stop.
    ///   - refused: Called with the reasons for which single endpoints are out of the question.
    /// - Returns: The endpoint; nil if the process was told to stop.
    /// - Throws: ``NoCoordinator`` if none has answered in time; `WorkerEnding.rejected` if none ever will.
    func run(isStopped: () -> Bool, refused: ([String]) -> Void) throws -> Endpoint? {
        defer { for question in questions { question.close() } }
        let deadline = Instant.now.advanced(bySeconds: deadlines.start)
        var idle = Poller(context: context)
        while !isStopped() {
            ServiceManager.current?.ping(now: .now)
            if nextRefresh <= .now { refresh() }
            for question in questions where try question.advance(context, security, deadlines) {
                return question.endpoint
            }
            let refusals = questions.compactMap(\.refusal)
            let reasons = refusals + questions.compactMap { $0.refusal == nil ? $0.doubt : nil }
            refused(reasons)
            if !addresses.hasFiles, !refusals.isEmpty, refusals.count == questions.count {
                throw WorkerEnding.rejected(reason: refusals.joined(separator: "; "))
            }
            guard Instant.now < deadline else {
                throw NoCoordinator(at: addresses, seconds: deadlines.start, refusals: reasons)
            }
            _ = try idle.wait(timeoutMilliseconds: Int(Self.interval * 1_000))
        }
        return nil
    }

    /// Adds questions for addresses that have become known, and drops those that files no longer name.
    private func refresh() {
        nextRefresh = Instant.now.advanced(bySeconds: Self.refreshInterval)
        let wanted = addresses.endpoints.flatMap(\.resolved)
        for question in questions where !wanted.contains(question.endpoint) { question.close() }
        questions.removeAll { !wanted.contains($0.endpoint) }
        for endpoint in wanted where !questions.contains(where: { $0.endpoint == endpoint }) {
            questions.append(Question(endpoint))
        }
    }
}

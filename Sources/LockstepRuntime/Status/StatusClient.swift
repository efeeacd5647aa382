import Foundation
import LockstepCluster
import LockstepProtocol
import LockstepSystem
import LockstepTimeline
package import ZeroMQ

/// A client that asks a coordinator for its status or measures the connection, without joining the run.
package final class StatusClient {
    /// Why a request failed.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case noAnswer(NoCoordinator)
        case rejected(reason: String)
        case unreadable(endpoint: Endpoint)

        package var description: String {
            switch self {
            case .noAnswer(let failure): failure.description
            case .rejected(let reason): reason
            case .unreadable(let endpoint):
                "the answer from \(endpoint) cannot be read; install the same version of lockstep everywhere"
            }
        }
    }

    /// The speed of a connection.
    package struct LinkReport: Sendable {
        /// The median round-trip time of a small message, in seconds.
        package var roundTrip: Double
        /// Bytes a second to the coordinator.
        package var upload: Double
        /// Bytes a second from the coordinator.
        package var download: Double
    }

    private var socket: Socket
    private var monitor: SocketMonitor
    private var poller: Poller
    private var tokens: (socket: Poller.Token, monitor: Poller.Token)
    /// The number of sockets so far without a connection; it decides which of the endpoint's families comes next.
    private var attempt = 0
    private var isConnected = false
    private let context: Context
    private let security: ConnectionSecurity
    private let endpoint: Endpoint
    private let hasKeys: Bool
    private var headerFrame = Message()
    private var payload = Message()
    private var sequence: UInt64 = 0
    /// Seconds to wait for an answer.
    private let limit: Double

    /// Connects to a coordinator.
    ///
    /// - Parameters:
    ///   - endpoint: Where the coordinator listens.
    ///   - security: How the connection is protected.
    ///   - context: The process's ZeroMQ context.
    ///   - limit: Seconds to wait for an answer.
    /// - Throws: ``Failure/rejected(reason:)`` if the file of the socket cannot be connected to, `ZeroMQError` if no socket
    ///   can be made.
    package init(
        _ endpoint: Endpoint, security: ConnectionSecurity, context: Context, limit: Double = Deadlines().status
    ) throws {
        if case .ipc(let path) = endpoint, let reason = SocketFile.reasonAgainstConnecting(to: path) {
            throw Failure.rejected(reason: "\(endpoint): \(reason)")
        }
        self.endpoint = endpoint
        self.limit = limit
        self.context = context
        self.security = security
        hasKeys = if case .client = security { true } else { false }
        let socket = try context.socket(.dealer)
        monitor = try Self.connect(socket, to: endpoint, attempt: 0, security)
        poller = Poller(context: context)
        tokens = (poller.add(socket), poller.add(monitor.socket))
        self.socket = consume socket
    }

    /// Connects a socket over one of the endpoint's families.
    private static func connect(
        _ socket: borrowing Socket, to endpoint: Endpoint, attempt: Int, _ security: ConnectionSecurity
    ) throws -> SocketMonitor {
        try SocketPolicy.configure(socket, Deadlines())
        let families = endpoint.families
        if families.count > 1 { try socket.set(.connectTimeout, 1_000) }
        let monitor = try socket.monitor(events: [.handshake, .handshakeProtocol, .connector])
        try socket.connect(endpoint, over: families[attempt % families.count], security: security)
        return monitor
    }

    /// Tries the endpoint's other family.
    private func reconnect() throws {
        attempt += 1
        let next = try context.socket(.dealer)
        let nextMonitor = try Self.connect(next, to: endpoint, attempt: attempt, security)
        poller.remove(tokens.socket)
        poller.remove(tokens.monitor)
        monitor = nextMonitor
        socket = next
        tokens = (poller.add(socket), poller.add(monitor.socket))
    }

    /// Asks for the status of the coordinator's run.
    package func status() throws -> StatusReport {
        try ask(.statusRequest, answer: .status)
        do {
            return try payload.withUnsafeBytes { try StatusReport(decoding: $0) }
        } catch {
            throw Failure.unreadable(endpoint: endpoint)
        }
    }

    /// Measures the connection with small messages, and then with large ones in each direction.
    package func measure() throws -> LinkReport {
        // The first request is not measured, because it also waits until the connection is established.
        _ = try time(upload: 1, download: 1)
        let roundTrip = try median(of: 50) { try time(upload: 1, download: 1) }
        let upload = try rate(upTo: MessageKind.pingLimit, roundTrip) { try time(upload: $0, download: 1) }
        let download = try rate(upTo: MessageKind.payloadLimit, roundTrip) { try time(upload: 1, download: $0) }
        return LinkReport(roundTrip: roundTrip, upload: upload, download: download)
    }

    /// Bytes a second of large messages: the largest that take at most half a second, for a larger one would take longer
    /// than the heartbeat waits.
    private func rate(upTo most: Int, _ roundTrip: Double, _ measure: (Int) throws -> Double) rethrows -> Double {
        var bytes = 4 << 10
        var seconds = try measure(bytes)
        while bytes < most, 4 * seconds < 0.5 {
            bytes = min(most, 4 * bytes)
            seconds = try measure(bytes)
        }
        if seconds < 0.1 { seconds = try median(of: 8) { try measure(bytes) } }
        return Double(bytes) / max(1e-9, seconds - roundTrip / 2)
    }

    private func median(of count: Int, _ measure: () throws -> Double) rethrows -> Double {
        var times: [Double] = []
        for _ in 0..<count { times.append(try measure()) }
        return times.sorted()[count / 2]
    }

    private func time(upload: Int, download: Int) throws -> Double {
        let start = Instant.now
        try ask(.ping, answer: .pong, offset: UInt32(download), payload: [UInt8](repeating: 0, count: upload))
        return Instant.now.seconds(since: start)
    }

    /// Sends a request and receives the answer into `payload`.
    private func ask(
        _ kind: MessageKind, answer: MessageKind, offset: UInt32 = 0, payload question: [UInt8]? = nil
    ) throws {
        sequence += 1
        let bytes = Header(kind: kind, step: sequence, offset: offset).encoded(payload: question)
        try send(bytes, question)
        let deadline = Instant.now.advanced(bySeconds: limit)
        // When to try the endpoint's other family; nil if this one has not failed.
        var retry: Instant?
        while Instant.now < deadline {
            if try receive(answer) { return }
            let next = Instant.earlier(retry, deadline)
            _ = try poller.wait(timeoutMilliseconds: SocketPolicy.pollTimeout(until: next, now: .now))
            if let due = retry, due <= .now {
                retry = nil
                try reconnect()
                try send(bytes, question)
            }
            while let event = try monitor.next() {
                if try handle(event) { retry = retry ?? Instant.now.advanced(bySeconds: Self.retryPause) }
            }
        }
        throw Failure.noAnswer(NoCoordinator(at: endpoint, seconds: limit))
    }

    /// Seconds until the other family is tried.
    private static let retryPause = 0.05

    private func send(_ header: [UInt8], _ question: [UInt8]?) throws {
        try socket.send(Message(copying: header), more: question != nil)
        if let question { try socket.send(Message(copying: question)) }
    }

    /// Handles an event of the connection.
    ///
    /// - Returns: Whether it is worth trying another family: this one has no address, or no process listens there.
    private func handle(_ event: SocketEvent) throws -> Bool {
        switch event.kind {
        case .handshakeSucceeded:
            // The connection is established. Watching `handshakeProtocol` any longer would harm it.
            isConnected = true
            try monitor.watch(.handshake)
            poller.remove(tokens.monitor)
            tokens.monitor = poller.add(monitor.socket)
        case .connectRetried:
            return !isConnected && endpoint.families.count > 1
        case .handshakeFailed(let failure):
            if let reason = HandshakeExplanation.finalReason(failure, endpoint: endpoint, hasKeys: hasKeys) {
                throw Failure.rejected(reason: reason)
            }
        default:
            break
        }
        return false
    }

    /// Receives the messages that have arrived, and returns whether the answer to the last request is among them.
    private func receive(_ kind: MessageKind) throws -> Bool {
        while try socket.receive(into: &headerFrame, wait: false) == .received {
            let header = headerFrame.withUnsafeBytes { try? Header(decoding: $0) }
            guard headerFrame.more, try socket.receive(into: &payload, wait: false) == .received else { continue }
            try socket.discardRest(of: &payload)
            guard (try? headerFrame.verify(payload)) != nil else { continue }
            if let header, header.kind == kind, header.step == sequence { return true }
        }
        return false
    }
}

import Foundation
import LockstepCluster
import LockstepProtocol
import LockstepSystem
import LockstepTimeline
package import ZeroMQ

/// A client that asks a coordinator for its status or measures the connection, without joining the run.
package final class CoordinatorClient {
    /// Why a request failed.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case noAnswer(endpoint: Endpoint, seconds: Double)
        case rejected(reason: String)
        case unreadable(endpoint: Endpoint)

        package var description: String {
            switch self {
            case .noAnswer(let endpoint, let seconds):
                "no coordinator answered at \(endpoint) within \(Int(seconds)) s; is it running, and is the endpoint right?"
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

    private let socket: Socket
    private var monitor: SocketMonitor
    private var poller: Poller
    private var monitorToken: Poller.Token
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
    /// - Throws: `ZeroMQError` if no socket can be made.
    package init(
        _ endpoint: Endpoint, security: ConnectionSecurity, context: Context, limit: Double = Deadlines().status
    ) throws {
        if case .ipc(let path) = endpoint, let reason = SocketFile.reasonAgainstConnecting(to: path) {
            throw Failure.rejected(reason: "\(endpoint): \(reason)")
        }
        self.endpoint = endpoint
        self.limit = limit
        hasKeys = if case .client = security { true } else { false }
        let socket = try context.socket(.dealer)
        try socket.configure(Deadlines())
        monitor = try socket.monitor(events: [.handshake, .handshakeProtocol])
        poller = Poller(context: context)
        _ = poller.add(socket)
        monitorToken = poller.add(monitor.socket)
        try socket.connect(endpoint, security: security)
        self.socket = consume socket
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
        let (there, back) = (MessageKind.pingLimit, MessageKind.payloadLimit)
        let up = try median(of: 16) { try time(upload: there, download: 1) }
        let down = try median(of: 8) { try time(upload: 1, download: back) }
        return LinkReport(
            roundTrip: roundTrip, upload: Double(there) / max(1e-9, up - roundTrip / 2),
            download: Double(back) / max(1e-9, down - roundTrip / 2))
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
        var bytes = [UInt8](repeating: 0, count: Header.size)
        let header = Header(kind: kind, step: sequence, offset: offset)
        bytes.withUnsafeMutableBytes { bytes in
            if let question {
                question.withUnsafeBytes { header.encode(into: bytes, payload: $0) }
            } else {
                header.encode(into: bytes)
            }
        }
        try socket.send(Message(copying: bytes), more: question != nil)
        if let question { try socket.send(Message(copying: question)) }
        let deadline = Instant.now.advanced(bySeconds: limit)
        while Instant.now < deadline {
            if try receive(answer) { return }
            _ = try poller.wait(timeoutMilliseconds: Poller.timeout(until: deadline, now: .now))
            while let event = try monitor.next() {
                if event.kind == .handshakeSucceeded {
                    // The connection is established. Watching `handshakeProtocol` any longer would harm it.
                    try monitor.watch(.handshake)
                    poller.remove(monitorToken)
                    monitorToken = poller.add(monitor.socket)
                }
                guard case .handshakeFailed(let failure) = event.kind,
                    let reason = failure.finalReason(endpoint: endpoint, hasKeys: hasKeys)
                else { continue }
                throw Failure.rejected(reason: reason)
            }
        }
        throw Failure.noAnswer(endpoint: endpoint, seconds: limit)
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

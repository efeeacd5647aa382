import CZeroMQ
import Glibc

/// Reports the events of a socket's connections. `Socket.monitor(events:)` makes it, on the socket's thread.
///
/// Its queue has no limit, because libzmq's I/O thread would wait for ever at a full queue. Read the events as they
/// come.
package struct SocketMonitor: ~Copyable {
    private let watched: SocketCore
    /// Readable when there are events, for a poller. ``watch(_:)`` replaces it.
    package private(set) var socket: Socket
    /// The socket before the last ``watch(_:)``; it may still have events.
    private var former: Socket?
    private var message = Message()

    fileprivate init(watched: SocketCore, socket: consuming Socket) {
        self.watched = watched
        self.socket = socket
        watched.isMonitored = true
    }

    deinit {
        // Stop it before this end of the pair closes: events without a receiver block the I/O thread.
        watched.stopMonitor()
    }

    /// Reports other events from now on. Events that were reported before are not lost.
    package mutating func watch(_ events: SocketEventMask) throws(ZeroMQError) {
        let next = try watched.report(events)
        former = exchange(&socket, with: next)
    }

    /// The next event; nil if there is none yet. Does not wait.
    package mutating func next() throws(ZeroMQError) -> SocketEvent? {
        if let old = former.take() {
            if let event = try Self.next(from: old, by: &message) {
                former = consume old
                return event
            }
        }
        return try Self.next(from: socket, by: &message)
    }

    private static func next(
        from socket: borrowing Socket, by message: inout Message
    ) throws(ZeroMQError) -> SocketEvent? {
        guard try socket.receive(into: &message, wait: false) == .received else { return nil }
        var header: UInt64 = 0
        let size = message.withUnsafeBytes { bytes in
            withUnsafeMutableBytes(of: &header) { $0.copyBytes(from: bytes.prefix(8)) }
            return bytes.count
        }
        var endpoint = ""
        if message.more, try socket.receive(into: &message, wait: false) == .received {
            endpoint = message.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        }
        try socket.discardRest(of: &message)
        return withUnsafeBytes(of: header) {
            SocketEvent(header: UnsafeRawBufferPointer(rebasing: $0.prefix(size)), endpoint: endpoint)
        }
    }
}

@available(*, unavailable, message: "a monitor belongs to the thread of the socket that it watches")
extension SocketMonitor: Sendable {}

extension Socket {
    /// Starts to report the events of this socket's connections. Throws EBUSY if the socket has a monitor.
    package func monitor(events: SocketEventMask = .all) throws(ZeroMQError) -> SocketMonitor {
        guard !core.isMonitored else {
            throw ZeroMQError(.monitor, code: EBUSY, explanation: "the socket has a monitor already")
        }
        return SocketMonitor(watched: core, socket: try core.report(events))
    }
}

extension SocketCore {
    /// Makes libzmq report these events instead of the earlier ones. Returns the socket at which they arrive.
    fileprivate func report(_ events: SocketEventMask) throws(ZeroMQError) -> Socket {
        let pair = try context.socket(.pair)
        try pair.set(.receiveHighWaterMark, 0)
        let endpoint = context.monitorEndpoint()
        // Connect first, so that every event has a receiver: an event without one blocks the I/O thread.
        try pair.core.perform(.connect, subject: endpoint) { zmq_connect($0, endpoint) }
        try perform(.monitor) { zmq_socket_monitor($0, endpoint, events.rawValue) }
        return pair
    }

    func stopMonitor() {
        isMonitored = false
        if let handle { zmq_socket_monitor(handle, nil, 0) }
    }
}

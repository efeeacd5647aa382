import Glibc
import LockstepTesting
import Synchronization
import ZeroMQ

/// All tests run in one process, and a process has one context.
func sharedContext() throws -> Context { try context.get() }
private let context = Result { () throws(ZeroMQError) in try Context() }

/// A socket with timeouts of ten seconds: a broken test fails instead of hanging.
func makeSocket(_ kind: Socket.Kind) throws -> Socket {
    let socket = try sharedContext().socket(kind)
    try socket.set(.receiveTimeout, 10_000)
    try socket.set(.sendTimeout, 10_000)
    return socket
}

/// The transports between two sockets.
enum Transport: CaseIterable, Sendable {
    case inproc, ipc, tcp

    /// Binds one socket and connects the other. The folder has to outlive the sockets.
    func join(_ server: borrowing Socket, _ client: borrowing Socket, in folder: TemporaryFolder) throws {
        switch self {
        case .inproc:
            // The folder's path is unique among the tests that run at the same time.
            try server.bind(inproc: folder.path)
            try client.connect(inproc: folder.path)
        case .ipc:
            let endpoint = try server.bind(.ipc(path: "\(folder.path)/s"))
            try client.connect(endpoint)
        case .tcp:
            let endpoint = try server.bind(.tcp(host: "127.0.0.1", port: 0))
            try client.connect(endpoint)
        }
    }
}

/// Bytes that depend on the position and the salt.
func pattern(_ count: Int, salt: Int = 0) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 &+ salt) &* 167 &+ ($0 >> 8)) }
}

/// All frames of the next message.
func receiveAll(_ socket: borrowing Socket) throws -> [[UInt8]] {
    var message = Message()
    var frames: [[UInt8]] = []
    repeat {
        guard try socket.receive(into: &message) == .received else { throw ZeroMQError(.receive, code: EAGAIN) }
        frames.append(message.array)
    } while message.more
    return frames
}

/// Sends frames as one message.
func sendAll(_ frames: [[UInt8]], from socket: borrowing Socket) throws {
    for (index, frame) in frames.enumerated() {
        let result = try frame.withUnsafeBytes { try socket.send(copying: $0, more: index < frames.count - 1) }
        guard result == .sent else { throw ZeroMQError(.send, code: EAGAIN) }
    }
}

/// Reads a monitor's events up to the first one of a kind.
func nextEvent(_ kind: SocketEvent.Kind, of monitor: inout SocketMonitor) throws -> SocketEvent {
    try nextEvent(of: &monitor) { $0.kind == kind }
}

/// Reads a monitor's events up to the first one that satisfies a condition.
func nextEvent(
    of monitor: inout SocketMonitor, where fits: (SocketEvent) -> Bool
) throws -> SocketEvent {
    var poller = Poller(context: try sharedContext())
    _ = poller.add(monitor.socket)
    while true {
        if let event = try monitor.next() {
            if fits(event) { return event }
        } else if try poller.wait(timeoutMilliseconds: 10_000) == .timedOut {
            throw ZeroMQError(.monitor, code: ETIMEDOUT)
        }
    }
}

/// A counter that several threads use.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    func increment() -> Int { count.add(1, ordering: .acquiringAndReleasing).newValue }
    var value: Int { count.load(ordering: .acquiring) }
}

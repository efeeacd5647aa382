import Testing
import ZeroMQ

/// Holds a noncopyable socket, so that it can be closed before its context ends.
final class SocketHolder {
    private var socket: Socket?

    init(_ socket: consuming Socket) { self.socket = consume socket }

    func use(_ body: (borrowing Socket) throws -> Void) throws {
        switch socket {
        case .some(let socket): try body(socket)
        case nil: Issue.record("the socket is closed")
        }
    }

    func close() { socket = nil }
}

import CZeroMQ
import Glibc

/// A ZeroMQ socket. It has one owner, and belongs to one thread at a time: hand it over by a `sending` parameter.
///
/// A socket that goes out of scope is closed at once and what it had not sent yet is dropped. `close(linger:)` gives
/// last messages, such as a goodbye, some time to leave.
package struct Socket: ~Copyable {
    /// What a socket does with messages.
    package enum Kind: Sendable {
        /// Talks to many peers. A message starts with a frame that names the peer: where to, or where from.
        case router
        /// Talks to the routers it connects to.
        case dealer
        /// Talks to exactly one other pair socket.
        case pair

        var rawValue: Int32 {
            switch self {
            case .router: ZMQ_ROUTER
            case .dealer: ZMQ_DEALER
            case .pair: ZMQ_PAIR
            }
        }
    }

    let core: SocketCore

    init(core: SocketCore) {
        self.core = core
    }

    deinit {
        core.close(linger: 0)
    }

    /// Closes without waiting. libzmq goes on sending what is queued for `linger` more milliseconds (-1: no limit);
    /// the context's `terminate()` is what waits for that.
    package consuming func close(linger: Int32) {
        core.close(linger: linger)
    }
}

@available(*, unavailable, message: "a socket belongs to one thread at a time: hand it over by a sending parameter")
extension Socket: Sendable {}

/// How a send ended that did not fail.
package enum SendResult: Sendable {
    /// The frame is libzmq's now.
    case sent
    /// The queue is full, or there is no peer: try again later.
    ///
    /// Only a message's first frame can meet a full queue. From a later one it means that the peer has gone and the
    /// message is lost: go on with the message's next frame, for libzmq drops the rest until its last frame.
    case wouldBlock
}

/// How a receive ended that did not fail.
package enum ReceiveResult: Sendable {
    case received
    /// Nothing has arrived.
    case wouldBlock
}

extension Socket {
    /// Sends a frame with a copy of `bytes`. Up to 33 bytes libzmq keeps them inside its message: no allocation.
    ///
    /// `more` says that another frame of the same message follows; `wait`, to wait for room in the queue, at most the
    /// socket's `sendTimeout`. A router with `.routerMandatory` throws `isHostUnreachable` for the first frame of a
    /// message to a peer that has gone.
    package func send(
        copying bytes: UnsafeRawBufferPointer, more: Bool = false, wait: Bool = true
    ) throws(ZeroMQError) -> SendResult {
        let flags = sendFlags(more: more, wait: wait)
        let sent = try core.attempt(.send) { zmq_send($0, bytes.baseAddress, bytes.count, flags) }
        return sent ? .sent : .wouldBlock
    }

    /// Sends a frame that refers to `bytes`, without a copy or an allocation.
    ///
    /// The caller keeps the memory alive and unchanged until the bytes have been sent, and libzmq does not tell when
    /// that is: only an answer of the peer proves it, or the end of the context. Otherwise use
    /// `Message(owning:bytes:)`.
    package func send(
        borrowing bytes: UnsafeRawBufferPointer, more: Bool = false, wait: Bool = true
    ) throws(ZeroMQError) -> SendResult {
        let flags = sendFlags(more: more, wait: wait)
        let sent = try core.attempt(.send) { zmq_send_const($0, bytes.baseAddress, bytes.count, flags) }
        return sent ? .sent : .wouldBlock
    }

    /// Sends a frame and leaves `message` empty, to be used again; on `.wouldBlock` it is as it was.
    package func send(
        _ message: inout Message, more: Bool = false, wait: Bool = true
    ) throws(ZeroMQError) -> SendResult {
        let flags = sendFlags(more: more, wait: wait)
        let sent = try core.attempt(.send) { zmq_msg_send(message.pointer, $0, flags) }
        return sent ? .sent : .wouldBlock
    }

    /// Sends a frame, waiting for room in the queue. Throws EAGAIN where the socket's `sendTimeout` runs out.
    package func send(_ message: consuming Message, more: Bool = false) throws(ZeroMQError) {
        guard try send(&message, more: more, wait: true) == .sent else { throw ZeroMQError(.send, code: EAGAIN) }
    }

    /// Receives a frame into `message`, whose earlier content is let go, even where nothing is received.
    ///
    /// `wait` says to wait for a message, at most the socket's `receiveTimeout`. The frames after a message's first are
    /// always there already.
    package func receive(into message: inout Message, wait: Bool = true) throws(ZeroMQError) -> ReceiveResult {
        let flags = wait ? 0 : ZMQ_DONTWAIT
        let received = try core.attempt(.receive) { zmq_msg_recv(message.pointer, $0, flags) }
        return received ? .received : .wouldBlock
    }

    /// Drops the frames that follow `message` in the same message, so that the next receive begins a new one.
    package func discardRest(of message: inout Message) throws(ZeroMQError) {
        while message.more, try receive(into: &message) == .received {}
    }

    @inline(__always)
    private func sendFlags(more: Bool, wait: Bool) -> Int32 {
        (more ? ZMQ_SNDMORE : 0) | (wait ? 0 : ZMQ_DONTWAIT)
    }
}

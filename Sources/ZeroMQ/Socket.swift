import CZeroMQ
import Glibc

/// A ZeroMQ socket. It has one owner and belongs to one thread at a time: pass it by a `sending` parameter.
///
/// A socket that goes out of scope is closed at once, and its unsent messages are dropped. `close(linger:)` gives the
/// last messages some time to be sent.
package struct Socket: ~Copyable {
    /// What a socket does with messages.
    package enum Kind: Sendable {
        /// Exchanges messages with many peers. The first frame of a message names the peer: its receiver or its sender.
        case router
        /// Exchanges messages with the routers that it connects to.
        case dealer
        /// Exchanges messages with exactly one other pair socket.
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

    deinit {
        core.close(linger: 0)
    }

    /// Closes without waiting. libzmq continues to send queued messages for `linger` milliseconds (-1: no limit); the
    /// context's `terminate()` waits for that.
    package consuming func close(linger: Int32) {
        core.close(linger: linger)
    }
}

@available(*, unavailable, message: "a socket belongs to one thread at a time: pass it by a sending parameter")
extension Socket: Sendable {}

/// The result of a send that did not fail.
package enum SendResult: Sendable {
    /// libzmq has accepted the frame.
    case sent
    /// The queue is full, or there is no peer: try again later.
    ///
    /// Only the first frame of a message can meet a full queue. For a later frame this result means that the peer is
    /// gone and the message is lost: continue with the message's next frame, because libzmq drops the rest up to the
    /// last frame.
    case wouldBlock
}

/// The result of a receive that did not fail.
package enum ReceiveResult: Sendable {
    case received
    /// No message has arrived.
    case wouldBlock
}

extension Socket {
    /// Sends a frame with a copy of `bytes`. Up to 33 bytes, libzmq stores them inside its message and allocates
    /// nothing.
    ///
    /// `more`: another frame of the same message follows. `wait`: if the queue is full, wait at most the socket's
    /// `sendTimeout`. A router with `.routerMandatory` throws `isHostUnreachable` for the first frame of a message to a
    /// peer that is gone.
    package func send(
        copying bytes: UnsafeRawBufferPointer, more: Bool = false, wait: Bool = true
    ) throws(ZeroMQError) -> SendResult {
        let flags = sendFlags(more: more, wait: wait)
        let sent = try core.attempt(.send) { zmq_send($0, bytes.baseAddress, bytes.count, flags) }
        return sent ? .sent : .wouldBlock
    }

    /// Sends a frame that refers to `bytes`, without a copy or an allocation.
    ///
    /// The caller keeps the memory alive and unchanged until the bytes have been sent. libzmq does not report when that
    /// is; an answer of the peer proves it, or the end of the context. Otherwise use `Message(owning:bytes:)`.
    package func send(
        borrowing bytes: UnsafeRawBufferPointer, more: Bool = false, wait: Bool = true
    ) throws(ZeroMQError) -> SendResult {
        let flags = sendFlags(more: more, wait: wait)
        let sent = try core.attempt(.send) { zmq_send_const($0, bytes.baseAddress, bytes.count, flags) }
        return sent ? .sent : .wouldBlock
    }

    /// Sends a frame and leaves `message` empty, ready for reuse. On `.wouldBlock`, `message` is unchanged.
    package func send(
        _ message: inout Message, more: Bool = false, wait: Bool = true
    ) throws(ZeroMQError) -> SendResult {
        let flags = sendFlags(more: more, wait: wait)
        let sent = try core.attempt(.send) { zmq_msg_send(message.pointer, $0, flags) }
        return sent ? .sent : .wouldBlock
    }

    /// Sends a frame; waits if the queue is full. Throws EAGAIN if the socket's `sendTimeout` runs out.
    package func send(_ message: consuming Message, more: Bool = false) throws(ZeroMQError) {
        guard try send(&message, more: more, wait: true) == .sent else { throw ZeroMQError(.send, code: EAGAIN) }
    }

    /// Receives a frame into `message`. Its earlier content is dropped even if nothing is received.
    ///
    /// `wait`: wait for a message, at most the socket's `receiveTimeout`. After the first frame of a message, the
    /// others are always available at once.
    package func receive(into message: inout Message, wait: Bool = true) throws(ZeroMQError) -> ReceiveResult {
        let flags = wait ? 0 : ZMQ_DONTWAIT
        let received = try core.attempt(.receive) { zmq_msg_recv(message.pointer, $0, flags) }
        return received ? .received : .wouldBlock
    }

    /// Drops the frames that follow `message` in the same message. The next receive starts with a new message.
    package func discardRest(of message: inout Message) throws(ZeroMQError) {
        while message.more, try receive(into: &message) == .received {}
    }

    @inline(__always)
    private func sendFlags(more: Bool, wait: Bool) -> Int32 {
        (more ? ZMQ_SNDMORE : 0) | (wait ? 0 : ZMQ_DONTWAIT)
    }
}

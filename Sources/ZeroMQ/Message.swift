import CZeroMQ
import Glibc

/// One frame of a message.
///
/// The C structure lives at a fixed address on the heap: bytes of short frames are stored inside it, so a structure
/// that moved with the Swift value would leave pointers to them dangling. A message is meant to be used again: receive
/// into the same one for ever, without an allocation of ours.
package struct Message: ~Copyable {
    let pointer: UnsafeMutablePointer<zmq_msg_t>

    /// An empty frame.
    package init() {
        pointer = .allocate(capacity: 1)
        zmq_msg_init(pointer)
    }

    /// Takes over a C structure that has been initialised.
    private init(initialised pointer: UnsafeMutablePointer<zmq_msg_t>) {
        self.pointer = pointer
    }

    deinit {
        zmq_msg_close(pointer)
        pointer.deallocate()
    }

    /// A frame of `size` bytes that `write` fills in. It must fill them all: they hold what was in memory before.
    ///
    /// Throws ENOMEM.
    package init(size: Int, _ write: (UnsafeMutableRawBufferPointer) -> Void) throws(ZeroMQError) {
        self.init(initialised: try Message.structure { zmq_msg_init_size($0, size) })
        write(UnsafeMutableRawBufferPointer(start: zmq_msg_data(pointer), count: size))
    }

    /// A frame with a copy of `bytes`. Throws ENOMEM.
    package init(copying bytes: UnsafeRawBufferPointer) throws(ZeroMQError) {
        try self.init(size: bytes.count) { $0.copyMemory(from: bytes) }
    }

    /// A frame with a copy of `bytes`. Throws ENOMEM.
    package init(copying bytes: [UInt8]) throws(ZeroMQError) {
        try self.init(size: bytes.count) { $0.copyBytes(from: bytes) }
    }

    /// A frame that refers to `bytes`, without a copy.
    ///
    /// The caller keeps the memory alive and unchanged until the frame has been sent and read, of which libzmq gives no
    /// notice: an answer of the peer proves it, or the end of the context.
    package init(borrowing bytes: UnsafeRawBufferPointer) throws(ZeroMQError) {
        let data = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        self.init(initialised: try Message.structure { zmq_msg_init_data($0, data, bytes.count, nil, nil) })
    }

    /// A frame that refers to `bytes`, without a copy, and holds on to their `owner` until the bytes have been sent.
    ///
    /// The owner is let go, and may die, on one of libzmq's threads. Throws ENOMEM.
    package init(owning owner: some AnyObject & Sendable, bytes: UnsafeRawBufferPointer) throws(ZeroMQError) {
        let data = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        let retained = Unmanaged.passRetained(owner)
        do {
            self.init(
                initialised: try Message.structure {
                    zmq_msg_init_data($0, data, bytes.count, releaseOwner, retained.toOpaque())
                })
        } catch {
            retained.release()
            throw error
        }
    }

    /// Allocates a C structure and initialises it with `initialise`, or leaves nothing behind.
    private static func structure(
        _ initialise: (UnsafeMutablePointer<zmq_msg_t>) -> Int32
    ) throws(ZeroMQError) -> UnsafeMutablePointer<zmq_msg_t> {
        let pointer = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: 1)
        guard initialise(pointer) == 0 else {
            let error = ZeroMQError.last(.makeMessage)
            pointer.deallocate()
            throw error
        }
        return pointer
    }
}

@available(*, unavailable, message: "a message belongs to one thread at a time: hand it over by a sending parameter")
extension Message: Sendable {}

/// Called by libzmq, on a thread of its choice, when nobody refers to the bytes any more.
private func releaseOwner(data: UnsafeMutableRawPointer?, owner: UnsafeMutableRawPointer?) {
    if let owner { Unmanaged<AnyObject>.fromOpaque(owner).release() }
}

extension Message {
    /// Bytes in the frame.
    package var count: Int { zmq_msg_size(pointer) }

    /// Whether another frame of the same message follows.
    package var more: Bool { zmq_msg_more(pointer) == 1 }

    /// The bytes, for as long as `body` runs.
    package func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: zmq_msg_data(pointer), count: count))
    }

    /// The bytes as a span, for as long as `body` runs.
    package func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws(Failure) in try body(bytes.bytes) }
    }

    /// A copy of the bytes.
    package var array: [UInt8] { withUnsafeBytes { Array($0) } }

    /// The descriptor of the connection that a received frame came through: the one in the monitor's `accepted` and
    /// `disconnected` events. Nil over inproc and for frames made here.
    package var sourceDescriptor: Int32? {
        let descriptor = zmq_msg_get(pointer, ZMQ_SRCFD)
        return descriptor >= 0 ? descriptor : nil
    }

    /// Who sent a received frame: an IP address over tcp, `localhost:UID:GID:PID` over ipc (checked by the kernel).
    package var peerAddress: String? {
        guard let text = zmq_msg_gets(pointer, "Peer-Address") else { return nil }
        return String(cString: text)
    }
}

import CZeroMQ
import Glibc

/// One frame of a message.
///
/// The C structure has a fixed address on the heap: it contains the bytes of short frames, and pointers to them would
/// dangle if it moved with the Swift value. Reuse a message: receiving again and again into the same one allocates
/// nothing here.
package struct Message: ~Copyable {
    let pointer: UnsafeMutablePointer<zmq_msg_t>

    /// An empty frame.
    package init() {
        pointer = .allocate(capacity: 1)
        zmq_msg_init(pointer)
    }

    /// Takes over an initialised C structure.
    private init(initialised pointer: UnsafeMutablePointer<zmq_msg_t>) {
        self.pointer = pointer
    }

    deinit {
        zmq_msg_close(pointer)
        pointer.deallocate()
    }

    /// A frame of `size` bytes that `write` fills in. `write` must set all of them: the memory is uninitialised.
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
    /// The caller keeps the memory alive and unchanged until the frame has been sent and read. libzmq does not report
    /// when that is; an answer of the peer proves it, or the end of the context.
    package init(borrowing bytes: UnsafeRawBufferPointer) throws(ZeroMQError) {
        let data = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        self.init(initialised: try Message.structure { zmq_msg_init_data($0, data, bytes.count, nil, nil) })
    }

    /// A frame that refers to `bytes`, without a copy, and retains their `owner` until the bytes have been sent.
    ///
    /// The owner is released, and possibly deinitialized, on one of libzmq's threads. Throws ENOMEM.
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

    /// Allocates a C structure and initialises it with `initialise`. Frees it if that fails.
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

@available(*, unavailable, message: "a message belongs to one thread at a time: pass it by a sending parameter")
extension Message: Sendable {}

/// libzmq calls this, on any thread, when it no longer refers to the bytes.
private func releaseOwner(data: UnsafeMutableRawPointer?, owner: UnsafeMutableRawPointer?) {
    if let owner { Unmanaged<AnyObject>.fromOpaque(owner).release() }
}

extension Message {
    /// The number of bytes in the frame.
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

    /// The descriptor of the connection over which a frame was received. The monitor's `accepted` and `disconnected`
    /// events name the same one. Nil over inproc, and for frames that this process made.
    package var sourceDescriptor: Int32? {
        let descriptor = zmq_msg_get(pointer, ZMQ_SRCFD)
        return descriptor >= 0 ? descriptor : nil
    }

    /// The sender of a received frame: an IP address over tcp; `localhost:UID:GID:PID`, as the kernel reports it, over
    /// ipc.
    package var peerAddress: String? {
        guard let text = zmq_msg_gets(pointer, "Peer-Address") else { return nil }
        return String(cString: text)
    }
}

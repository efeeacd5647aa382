import CZeroMQ
import Glibc
import LockstepSystem
import Synchronization

/// libzmq's I/O threads and the sockets that they serve. One a process is the norm.
///
/// Any thread may make sockets from it; every socket keeps it alive. Dropping the last reference never waits.
package final class Context: Sendable {
    /// What has to be known before the first socket is made.
    package struct Options: Sendable {
        /// Threads that move bytes. One serves about a gigabyte a second; give remote endpoints one of their own.
        package var ioThreads: Int32
        /// Most sockets open at a time, monitors included.
        package var maxSockets: Int32
        /// Whether a received frame may keep the whole buffer in which it arrived, 8 KiB and its bookkeeping, for as
        /// long as it is not read. That saves a copy, and lets a peer that sends one small frame at a time fill memory
        /// with a five-hundredth of the bytes.
        package var sharesReceiveBuffers: Bool
        /// Asked after a signal has interrupted a blocking call: true makes the call throw (`isInterrupted`), false
        /// lets it go on waiting.
        package var isInterrupted: @Sendable () -> Bool

        package init(
            ioThreads: Int32 = 1, maxSockets: Int32 = 1023, sharesReceiveBuffers: Bool = true,
            isInterrupted: @escaping @Sendable () -> Bool = { false }
        ) {
            self.ioThreads = ioThreads
            self.maxSockets = maxSockets
            self.sharesReceiveBuffers = sharesReceiveBuffers
            self.isInterrupted = isInterrupted
        }
    }

    /// The handle and the sockets that stand on it; nil once the context has ended.
    private struct State: @unchecked Sendable {
        var handle: UnsafeMutableRawPointer?
        var openSockets = 0
    }

    private let state: Locked<State>
    private let monitors = Atomic<Int>(0)
    let isInterrupted: @Sendable () -> Bool

    package init(_ options: Options = Options()) throws(ZeroMQError) {
        guard let handle = zmq_ctx_new() else { throw .last(.makeContext) }
        // Not "blocky": a socket made without a word about its linger has none, so nothing waits by default.
        let settings = [
            (ZMQ_IO_THREADS, options.ioThreads), (ZMQ_MAX_SOCKETS, options.maxSockets), (ZMQ_BLOCKY, 0),
            (czmq_zero_copy_receive, options.sharesReceiveBuffers ? 1 : 0),
        ]
        for (option, value) in settings where zmq_ctx_set(handle, option, value) != 0 {
            let error = ZeroMQError.last(.makeContext)
            zmq_ctx_term(handle)
            throw error
        }
        self.state = Locked(State(handle: handle))
        self.isInterrupted = options.isInterrupted
    }

    deinit {
        // No socket is open, for each holds a reference. But messages of closed ones may still be leaving, for as long
        // as their linger allows, and a deinit must not wait for them.
        state.withLock { state in
            guard let handle = state.handle else { return }
            endInBackground(handle)
        }
    }

    /// A new socket, owned by the calling thread until it is handed on.
    ///
    /// A router names its peers by consecutive numbers that begin with one of the C library's `rand()`. libzmq 4.3.4
    /// never seeds it, and aborts the process when a new peer's number is a name that another peer has given itself. So
    /// the first number of a router is made one that no peer can know.
    package func socket(_ kind: Socket.Kind) throws(ZeroMQError) -> Socket {
        // A typed error does not come out of withLock's closure together with a pointer: hand it out as a value.
        let made: Result<HandleBox, ZeroMQError> = state.withLock { state in
            guard let context = state.handle else {
                return .failure(ZeroMQError(.makeSocket, code: czmq_context_terminated))
            }
            if kind == .router { srand(UInt32.random(in: .min ... .max)) }
            guard let socket = zmq_socket(context, kind.rawValue) else { return .failure(.last(.makeSocket)) }
            state.openSockets += 1
            return .success(HandleBox(handle: socket))
        }
        return Socket(core: SocketCore(handle: try made.get().handle, context: self))
    }

    /// Makes every blocking call on this context's sockets, on whatever thread, throw `isContextTerminated`.
    ///
    /// The order of an end is: `shutdown()`, the threads close their sockets, join them, `terminate()`.
    package func shutdown() {
        state.withLock { state in
            if let handle = state.handle { zmq_ctx_shutdown(handle) }
        }
    }

    /// Ends the I/O threads. Waits until the messages of closed sockets have left, at most as long as their linger.
    ///
    /// Throws EBUSY, instead of waiting for ever, while a socket is open. A second call does nothing.
    package func terminate() throws(ZeroMQError) {
        let taken: Result<HandleBox?, ZeroMQError> = state.withLock { state in
            guard let handle = state.handle else { return .success(nil) }
            guard state.openSockets == 0 else {
                let count = "\(state.openSockets) \(state.openSockets == 1 ? "socket is" : "sockets are") still open"
                return .failure(ZeroMQError(.terminateContext, code: EBUSY, explanation: count))
            }
            state.handle = nil
            return .success(HandleBox(handle: handle))
        }
        guard let box = try taken.get() else { return }
        endContext(box.handle)
    }

    /// How many sockets are open, monitors included.
    package var openSockets: Int { state.withLock { $0.openSockets } }

    func socketClosed() {
        state.withLock { $0.openSockets -= 1 }
    }

    /// A name for a monitor's in-process endpoint that no other monitor of this context has.
    func monitorEndpoint() -> String {
        "inproc://monitor-\(monitors.add(1, ordering: .relaxed).newValue)"
    }
}

/// Lets a handle leave a lock's closure. libzmq's contexts are thread-safe, and a new socket has one owner.
private struct HandleBox: @unchecked Sendable {
    let handle: UnsafeMutableRawPointer
}

private func endContext(_ handle: UnsafeMutableRawPointer) {
    while zmq_ctx_term(handle) != 0 && zmq_errno() == EINTR {}
}

/// Ends a context on a thread of its own. Without a thread to spare it stays until the process ends.
private func endInBackground(_ handle: UnsafeMutableRawPointer) {
    var thread = pthread_t()
    let started = pthread_create(&thread, nil, endContextThread, handle)
    if started == 0 { pthread_detach(thread) }
}

private func endContextThread(_ handle: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let handle { endContext(handle) }
    return nil
}

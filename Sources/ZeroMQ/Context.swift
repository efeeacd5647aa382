import CZeroMQ
import Glibc
import LockstepSystem
import Synchronization

/// libzmq's I/O threads and the sockets that they serve. A process usually has one context.
///
/// Any thread may make sockets from it, and every socket keeps it alive. Releasing the last reference never blocks.
package final class Context: Sendable {
    /// Settings that cannot change after the first socket has been made.
    package struct Options: Sendable {
        /// The number of threads that send and receive. One thread serves about a gigabyte per second; remote endpoints
        /// get their own thread.
        package var ioThreads: Int32
        /// The most sockets that may be open at a time, including monitors.
        package var maxSockets: Int32
        /// Whether an unread frame may keep the whole buffer in which it arrived: 8 KiB and its bookkeeping. This saves
        /// a copy, but a peer that sends small frames one at a time then fills memory with a five-hundredth of the
        /// bytes.
        package var sharesReceiveBuffers: Bool
        /// Called after a signal has interrupted a blocking call. If it returns true, the call throws
        /// (`isInterrupted`); otherwise the call continues to wait.
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

    /// The handle, which is nil after the context has ended, and the number of its open sockets.
    private struct State: @unchecked Sendable {
        var handle: UnsafeMutableRawPointer?
        var openSockets = 0
    }

    private let state: Locked<State>
    private let monitors = Atomic<Int>(0)
    let isInterrupted: @Sendable () -> Bool

    package init(_ options: Options = Options()) throws(ZeroMQError) {
        // libzmq starts its threads with the first socket, and aborts the process if it cannot.
        do throws(SystemError) {
            try Thread.check(canStart: Int(options.ioThreads) + 1)
        } catch {
            throw ZeroMQError(
                .makeContext, code: error.code,
                explanation: "the system starts no more threads for this user (ulimit -u)")
        }
        guard let handle = zmq_ctx_new() else { throw .last(.makeContext) }
        // Not "blocky": the default linger of sockets is 0, so closing never waits by default.
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
        // No socket is open: each holds a reference. But messages of closed sockets may still be sent for as long as
        // their linger allows, and a deinitializer must not wait for them.
        state.withLock { state in
            guard let handle = state.handle else { return }
            endInBackground(handle)
        }
    }

    /// A new socket. It belongs to the calling thread until it is passed to another one.
    ///
    /// A router names its peers by consecutive numbers; the first one comes from the C library's `rand()`. libzmq 4.3.4
    /// never seeds it, and aborts the process if a new peer's number is the name that another peer has given itself. So
    /// `rand()` is seeded here with a number that no peer can know.
    package func socket(_ kind: Socket.Kind) throws(ZeroMQError) -> Socket {
        // withLock's closure cannot both throw a typed error and return a pointer: it returns a Result.
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

    /// Makes every blocking call on this context's sockets, on any thread, throw `isContextTerminated`.
    ///
    /// To end a context: call `shutdown()`, let the threads close their sockets, join the threads, call `terminate()`.
    package func shutdown() {
        state.withLock { state in
            if let handle = state.handle { zmq_ctx_shutdown(handle) }
        }
    }

    /// Ends the I/O threads. Waits until the messages of closed sockets have been sent, at most as long as their
    /// linger.
    ///
    /// Throws EBUSY if a socket is open, instead of waiting for ever. A second call does nothing.
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

    /// The number of open sockets, including monitors.
    package var openSockets: Int { state.withLock { $0.openSockets } }

    func socketClosed() {
        state.withLock { $0.openSockets -= 1 }
    }

    /// A name for a monitor's in-process endpoint, unique in this context.
    func monitorEndpoint() -> String {
        "inproc://monitor-\(monitors.add(1, ordering: .relaxed).newValue)"
    }
}

/// Passes a handle out of a lock's closure. libzmq's contexts are thread-safe, and a new socket has one owner.
private struct HandleBox: @unchecked Sendable {
    let handle: UnsafeMutableRawPointer
}

private func endContext(_ handle: UnsafeMutableRawPointer) {
    while zmq_ctx_term(handle) != 0 && zmq_errno() == EINTR {}
}

/// Ends a context on its own thread. If no thread can be started, the context stays until the process ends.
private func endInBackground(_ handle: UnsafeMutableRawPointer) {
    var thread = pthread_t()
    let started = pthread_create(&thread, nil, endContextThread, handle)
    if started == 0 { pthread_detach(thread) }
}

private func endContextThread(_ handle: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let handle { endContext(handle) }
    return nil
}

/// The library libzmq that this process has loaded.
package enum ZeroMQLibrary {
    /// Major, minor and patch number, such as `4.3.4`.
    package static var version: String {
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        zmq_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }

    /// Whether it was built with CURVE, the encryption and authentication of endpoints that leave the host.
    package static var hasCurve: Bool { zmq_has("curve") == 1 }
}

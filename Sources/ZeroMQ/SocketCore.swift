import CZeroMQ
import Glibc

/// A socket's handle, shared by the `Socket` that owns it and by the pollers and monitors that refer to it.
///
/// Closing sets the handle to nil, so a poller or monitor that still refers to the socket never uses freed memory. Not
/// Sendable: pollers and monitors stay on the socket's thread.
final class SocketCore {
    let context: Context
    private(set) var handle: UnsafeMutableRawPointer?
    /// Whether a `SocketMonitor` watches the socket: libzmq allows one.
    var isMonitored = false

    init(handle: UnsafeMutableRawPointer, context: Context) {
        self.handle = handle
        self.context = context
    }

    /// Closes without waiting. libzmq continues to send queued messages for `linger` milliseconds (-1: no limit).
    ///
    /// The monitor, if there is one, stops first: until libzmq has taken the socket apart it reports events, and an event
    /// without a receiver blocks the I/O thread, and with it all connections of the context.
    func close(linger: Int32) {
        guard let handle else { return }
        if isMonitored { stopMonitor() }
        var linger = linger
        zmq_setsockopt(handle, ZMQ_LINGER, &linger, MemoryLayout<Int32>.size)
        zmq_close(handle)
        self.handle = nil
        context.socketClosed()
    }

    /// Makes a call that may have nothing to do (EAGAIN). Repeats it after an interruption unless the context's check
    /// says to stop.
    ///
    /// - Returns: False on EAGAIN, which is a result and not an error.
    @inline(__always)
    func attempt(
        _ operation: ZeroMQError.Operation, _ call: (UnsafeMutableRawPointer?) -> Int32
    ) throws(ZeroMQError) -> Bool {
        while call(handle) == -1 {
            let code = zmq_errno()
            if code == EAGAIN { return false }
            guard code == EINTR, !context.isInterrupted() else { throw ZeroMQError(operation, code: code) }
        }
        return true
    }

    /// Makes a call that succeeds or throws. Repeats it after an interruption.
    func perform(
        _ operation: ZeroMQError.Operation, subject: String? = nil, _ call: (UnsafeMutableRawPointer?) -> Int32
    ) throws(ZeroMQError) {
        while call(handle) == -1 {
            let error = ZeroMQError.last(operation, subject: subject)
            guard error.isInterrupted else { throw error }
        }
    }
}

import CZeroMQ
import Glibc

/// A socket's handle, shared by the `Socket` that owns it and by pollers and monitors that refer to it.
///
/// Closing empties it, so that whoever still refers to the socket finds nothing instead of freed memory. Not Sendable:
/// whatever refers to a socket stays on the socket's thread.
final class SocketCore {
    let context: Context
    private(set) var handle: UnsafeMutableRawPointer?
    /// Whether a `SocketMonitor` watches it: libzmq has room for one.
    var isMonitored = false

    init(handle: UnsafeMutableRawPointer, context: Context) {
        self.handle = handle
        self.context = context
    }

    /// Closes without waiting. Unsent messages get `linger` more milliseconds in the background (-1: no limit).
    func close(linger: Int32) {
        guard let handle else { return }
        var linger = linger
        zmq_setsockopt(handle, ZMQ_LINGER, &linger, MemoryLayout<Int32>.size)
        zmq_close(handle)
        self.handle = nil
        context.socketClosed()
    }

    /// Makes a call that may find nothing to do, again after each interruption that does not mean to stop.
    ///
    /// - Returns: false on EAGAIN, which is a result and no error.
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

    /// Makes a call that works or throws, again after each interruption.
    func perform(
        _ operation: ZeroMQError.Operation, subject: String? = nil, _ call: (UnsafeMutableRawPointer?) -> Int32
    ) throws(ZeroMQError) {
        while call(handle) == -1 {
            let error = ZeroMQError.last(operation, subject: subject)
            guard error.isInterrupted else { throw error }
        }
    }
}

import CZeroMQ
import Glibc

extension Socket {
    /// Sets an option. Endpoints that are bound or connected already keep their value.
    package func set<Value>(_ option: SocketOption<Value>, _ value: Value) throws(ZeroMQError) {
        try core.perform(.setOption, subject: option.name) { handle in
            value.withOptionBytes { zmq_setsockopt(handle, option.code, $0.baseAddress, $0.count) }
        }
    }

    /// The value that an option has now.
    package func get<Value: ReadableSocketOptionValue>(_ option: SocketOption<Value>) throws(ZeroMQError) -> Value {
        try read(option.code, name: option.name)
    }

    /// What the last bind took: the port that 0 became.
    package var lastEndpoint: Endpoint {
        get throws(ZeroMQError) {
            try Endpoint(try read(ZMQ_LAST_ENDPOINT, name: "ZMQ_LAST_ENDPOINT") as String)
        }
    }

    /// A descriptor that becomes readable when `pendingEvents` *may* have changed, once for each change: only for
    /// waiting in a loop that libzmq's own poll cannot join, and `pendingEvents` has to be read after each send and
    /// receive too.
    package var descriptor: Int32 {
        get throws(ZeroMQError) { try read(ZMQ_FD, name: "ZMQ_FD") }
    }

    /// Whether a receive, or a send, would find something to do now.
    ///
    /// Reading it lets the socket notice peers that have gone: without it a router goes on queueing for a dead one.
    package var pendingEvents: PollEvents {
        get throws(ZeroMQError) {
            PollEvents(rawValue: Int16(truncatingIfNeeded: try read(ZMQ_EVENTS, name: "ZMQ_EVENTS") as Int32))
        }
    }

    /// Whether the frame received last is followed by another of the same message.
    package var hasMore: Bool {
        get throws(ZeroMQError) { try read(ZMQ_RCVMORE, name: "ZMQ_RCVMORE") }
    }

    private func read<Value: ReadableSocketOptionValue>(_ code: Int32, name: String) throws(ZeroMQError) -> Value {
        try withUnsafeTemporaryAllocation(byteCount: Value.optionCapacity, alignment: 8) {
            buffer throws(ZeroMQError) -> Value in
            var size = buffer.count
            try core.perform(.getOption, subject: name) { zmq_getsockopt($0, code, buffer.baseAddress, &size) }
            guard let value = Value(optionBytes: UnsafeRawBufferPointer(rebasing: buffer.prefix(size))) else {
                throw ZeroMQError(.getOption, code: EINVAL, subject: name)
            }
            return value
        }
    }
}

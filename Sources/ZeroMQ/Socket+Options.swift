import CZeroMQ
import Glibc

extension Socket {
    /// Sets an option. Endpoints that are already bound or connected keep their value.
    package func set<Value>(_ option: SocketOption<Value>, _ value: Value) throws(ZeroMQError) {
        try core.perform(.setOption, subject: option.name) { handle in
            value.withOptionBytes { zmq_setsockopt(handle, option.code, $0.baseAddress, $0.count) }
        }
    }

    /// The current value of an option.
    package func get<Value: ReadableSocketOptionValue>(_ option: SocketOption<Value>) throws(ZeroMQError) -> Value {
        try read(option.code, name: option.name)
    }

    /// The endpoint of the last bind, with the port that was chosen for port 0.
    package var lastEndpoint: Endpoint {
        get throws(ZeroMQError) {
            try Endpoint(try read(ZMQ_LAST_ENDPOINT, name: "ZMQ_LAST_ENDPOINT") as String)
        }
    }

    /// A descriptor that becomes readable when `pendingEvents` *may* have changed, once for each change. It serves
    /// loops that cannot use libzmq's poll; they must also read `pendingEvents` after each send and receive.
    package var descriptor: Int32 {
        get throws(ZeroMQError) { try read(ZMQ_FD, name: "ZMQ_FD") }
    }

    /// Whether a receive or a send would succeed now.
    ///
    /// Reading it lets the socket notice that peers are gone: otherwise a router continues to queue messages for a dead
    /// peer.
    package var pendingEvents: PollEvents {
        get throws(ZeroMQError) {
            PollEvents(rawValue: Int16(truncatingIfNeeded: try read(ZMQ_EVENTS, name: "ZMQ_EVENTS") as Int32))
        }
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

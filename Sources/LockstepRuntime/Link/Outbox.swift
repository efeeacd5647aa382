import LockstepProtocol
import ZeroMQ

/// Messages to one peer that are sent together.
///
/// Every message that libzmq sends wakes threads on both sides, and this costs more than the bytes of a small message.
/// So the messages of a step that are ready at the same time (chunks of the weights and the assignment; chunks of a
/// gradient and its result) are sent as one multi-part message. Large chunks are sent at once, because sending them
/// overlaps with computing.
final class Outbox {
    /// Payload bytes at which the outbox is full: waiting for more gains nothing.
    static let limit = 256 << 10
    /// The same once a chunk is cut into parts: over a slow link a message that is complete early is seen early.
    static let limitOfParts = 32 << 10
    /// The most messages that are sent as one.
    static let maximumParts = 128
    /// The most frames of such a multi-part message: a header and a payload for each message, and two for the last one.
    static let maximumFrames = 2 * maximumParts + 2

    private struct Part {
        let header: Header
        let payload: UnsafeRawBufferPointer?
    }

    private var parts: [Part] = []
    private var bytes = 0
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: Header.size, alignment: 16)

    init() {
        parts.reserveCapacity(16)
    }

    deinit {
        scratch.deallocate()
    }

    var isEmpty: Bool { parts.isEmpty }
    var isFull: Bool { bytes >= limit || parts.count >= Self.maximumParts }
    private var limit = limit

    /// Adds a message; its payload is sent by reference later.
    ///
    /// - Parameters:
    ///   - header: The header.
    ///   - payload: The payload, if the message has one.
    ///   - isPart: Whether it is a part of a chunk, cut to fit the link.
    func append(_ header: Header, _ payload: UnsafeRawBufferPointer?, isPart: Bool = false) {
        if isPart { limit = Self.limitOfParts }
        parts.append(Part(header: header, payload: payload))
        bytes += payload?.count ?? 0
    }

    func removeAll() {
        parts.removeAll(keepingCapacity: true)
        (bytes, limit) = (0, Self.limit)
    }

    /// Sends all messages as parts of one message, and removes them.
    ///
    /// - Parameters:
    ///   - socket: The socket that sends them.
    ///   - last: A message to send after the others; its payload is copied.
    ///   - wait: Whether to wait while the socket's queue is full. If not, a full queue drops everything.
    /// - Throws: `ZeroMQError` if the peer cannot be reached or the socket is closed.
    func flush(
        into socket: borrowing Socket, endingWith last: (header: Header, payload: UnsafeRawBufferPointer)? = nil,
        wait: Bool
    ) throws(ZeroMQError) {
        defer { removeAll() }
        for index in parts.indices {
            let part = parts[index]
            let isLast = index == parts.count - 1 && last == nil
            let more = part.payload != nil || !isLast
            guard try send(part.header, part.payload, into: socket, more: more, wait: wait) else { return }
            if let payload = part.payload { _ = try socket.send(borrowing: payload, more: !isLast) }
        }
        guard let last, try send(last.header, last.payload, into: socket, more: true, wait: wait) else { return }
        _ = try socket.send(copying: last.payload)
    }

    private func send(
        _ header: Header, _ payload: UnsafeRawBufferPointer?, into socket: borrowing Socket, more: Bool, wait: Bool
    ) throws(ZeroMQError) -> Bool {
        header.encode(into: scratch, payload: payload)
        return try socket.send(copying: UnsafeRawBufferPointer(scratch), more: more, wait: wait) == .sent
    }
}

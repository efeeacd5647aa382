import CZeroMQ
import Glibc

/// The events of a socket or descriptor that a poller waits for or has found.
package struct PollEvents: OptionSet, Sendable {
    package let rawValue: Int16
    package init(rawValue: Int16) { self.rawValue = rawValue }

    /// A receive would succeed. For a descriptor also: the other end was closed.
    package static let input = PollEvents(rawValue: Int16(ZMQ_POLLIN))
    /// A send would succeed.
    package static let output = PollEvents(rawValue: Int16(ZMQ_POLLOUT))
    /// A descriptor's other end is closed, or the descriptor is not open. Always reported.
    package static let error = PollEvents(rawValue: Int16(ZMQ_POLLERR))
}

/// The result of a wait that did not fail.
package enum PollResult: Equatable, Sendable {
    /// The number of items that have events.
    case ready(Int)
    case timedOut
    /// A signal arrived, and the context's interruption check said to stop.
    case interrupted
}

/// Waits for sockets and file descriptors together.
///
/// Waiting for up to 16 items allocates nothing (for more, libzmq allocates). A registered socket that is closed is
/// ignored from then on. The owner of a descriptor removes it before closing it.
package struct Poller: ~Copyable {
    /// An item of the poller.
    package struct Token: Hashable, Sendable {
        fileprivate let index: Int
        /// How often the place had been used before: the token of a removed item does not match the next one.
        fileprivate let use: Int
    }

    /// A place without an item: poll(2) ignores negative descriptors.
    private static var vacant: zmq_pollitem_t { zmq_pollitem_t(socket: nil, fd: -1, events: 0, revents: 0) }

    private let isInterrupted: @Sendable () -> Bool
    private var items: [zmq_pollitem_t] = []
    /// The sockets of `items`, nil for descriptors and vacant places.
    private var sockets: [SocketCore?] = []
    private var uses: [Int] = []
    private var vacancies: [Int] = []

    /// An empty poller. Adding up to `capacity` items does not allocate.
    package init(context: Context, capacity: Int = 16) {
        isInterrupted = context.isInterrupted
        items.reserveCapacity(capacity)
        sockets.reserveCapacity(capacity)
        uses.reserveCapacity(capacity)
        vacancies.reserveCapacity(capacity)
    }

    /// Watches a socket.
    package mutating func add(_ socket: borrowing Socket, events: PollEvents = .input) -> Token {
        let item = zmq_pollitem_t(socket: socket.core.handle, fd: -1, events: events.rawValue, revents: 0)
        return place(item, socket: socket.core)
    }

    /// Watches a file descriptor. The caller continues to own it.
    package mutating func add(descriptor: Int32, events: PollEvents = .input) -> Token {
        place(zmq_pollitem_t(socket: nil, fd: descriptor, events: events.rawValue, revents: 0), socket: nil)
    }

    /// Changes the events that are waited for. An empty set pauses the item.
    package mutating func setEvents(_ events: PollEvents, for token: Token) {
        guard isCurrent(token) else { return }
        items[token.index].events = events.rawValue
    }

    /// Stops watching an item. Its token is invalid from then on.
    package mutating func remove(_ token: Token) {
        guard isCurrent(token) else { return }
        items[token.index] = Poller.vacant
        sockets[token.index] = nil
        uses[token.index] += 1
        vacancies.append(token.index)
    }

    /// Waits until an item has one of its events, at most `timeoutMilliseconds` (-1: no limit).
    package mutating func wait(timeoutMilliseconds: Int) throws(ZeroMQError) -> PollResult {
        if items.isEmpty { vacancies.append(append(Poller.vacant, socket: nil)) }
        for index in items.indices {
            items[index].revents = 0
            if let socket = sockets[index] { items[index].socket = socket.handle }
        }
        // After an interruption the full timeout starts again: it happens when a debugger stops and continues the
        // process, not in a loop.
        while true {
            let count = items.withUnsafeMutableBufferPointer {
                zmq_poll($0.baseAddress, Int32($0.count), max(-1, timeoutMilliseconds))
            }
            if count >= 0 { return count == 0 ? .timedOut : .ready(Int(count)) }
            let error = ZeroMQError.last(.poll)
            guard error.isInterrupted else { throw error }
            if isInterrupted() { return .interrupted }
        }
    }

    /// The events of an item that the last wait found. Empty for an item that was removed.
    package func events(for token: Token) -> PollEvents {
        isCurrent(token) ? PollEvents(rawValue: items[token.index].revents) : []
    }

    private func isCurrent(_ token: Token) -> Bool {
        items.indices.contains(token.index) && uses[token.index] == token.use
    }

    private mutating func place(_ item: zmq_pollitem_t, socket: SocketCore?) -> Token {
        guard let index = vacancies.popLast() else {
            return Token(index: append(item, socket: socket), use: 0)
        }
        items[index] = item
        sockets[index] = socket
        return Token(index: index, use: uses[index])
    }

    private mutating func append(_ item: zmq_pollitem_t, socket: SocketCore?) -> Int {
        items.append(item)
        sockets.append(socket)
        uses.append(0)
        return items.count - 1
    }
}

@available(*, unavailable, message: "a poller belongs to the thread of its sockets")
extension Poller: Sendable {}

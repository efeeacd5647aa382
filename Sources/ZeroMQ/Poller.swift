import CZeroMQ
import Glibc

/// What can be waited for, and what has happened.
package struct PollEvents: OptionSet, Sendable {
    package let rawValue: Int16
    package init(rawValue: Int16) { self.rawValue = rawValue }

    /// A receive would find something. For a descriptor also: the other end was closed.
    package static let input = PollEvents(rawValue: Int16(ZMQ_POLLIN))
    /// A send would find room.
    package static let output = PollEvents(rawValue: Int16(ZMQ_POLLOUT))
    /// A descriptor's other end is gone, or it is not open at all. Reported whether asked for or not.
    package static let error = PollEvents(rawValue: Int16(ZMQ_POLLERR))
}

/// How a wait ended that did not fail.
package enum PollResult: Equatable, Sendable {
    /// So many of the items have events.
    case ready(Int)
    case timedOut
    /// A signal arrived, and the context's interruption check said to stop.
    case interrupted
}

/// Waits for sockets and file descriptors together.
///
/// Waiting allocates nothing for up to 16 items (libzmq does for more). A socket that is closed while it is registered
/// is no longer looked at. A descriptor's owner removes it before closing it.
package struct Poller: ~Copyable {
    /// An item of the poller.
    package struct Token: Hashable, Sendable {
        fileprivate let index: Int
        /// How often the place had been used before: tokens of removed items mean nothing any more.
        fileprivate let use: Int
    }

    /// A place in the list that stands for nothing: poll(2) ignores negative descriptors.
    private static var vacant: zmq_pollitem_t { zmq_pollitem_t(socket: nil, fd: -1, events: 0, revents: 0) }

    private let isInterrupted: @Sendable () -> Bool
    private var items: [zmq_pollitem_t] = []
    /// The sockets of `items`, nil for descriptors and vacant places.
    private var sockets: [SocketCore?] = []
    private var uses: [Int] = []
    private var vacancies: [Int] = []

    /// A poller without items. There is room for `capacity` of them; adding more allocates.
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

    /// Watches a file descriptor, which stays the caller's.
    package mutating func add(descriptor: Int32, events: PollEvents = .input) -> Token {
        place(zmq_pollitem_t(socket: nil, fd: descriptor, events: events.rawValue, revents: 0), socket: nil)
    }

    /// Changes what an item is watched for. An empty set pauses it.
    package mutating func setEvents(_ events: PollEvents, for token: Token) {
        guard isCurrent(token) else { return }
        items[token.index].events = events.rawValue
    }

    /// Watches an item no longer. Its token means nothing from here on.
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
        // The time already waited is not subtracted after an interruption: it happens when a debugger stops and
        // continues us, not in a loop.
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

    /// What the last wait found for an item. Empty for an item that was removed.
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

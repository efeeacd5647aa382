import CInterposition
import CLinux
import Glibc
package import LockstepSystem

/// Keeps libzmq from spinning when the process has run out of descriptors: otherwise its I/O thread tries without a
/// pause to accept the next waiting connection.
///
/// The throttle keeps a reserve: the process's own limit is lower than the system allows. When accepting fails for lack
/// of a descriptor, the throttle pauses. While it is paused, the kernel drops new connections at the listeners, so
/// their clients try again later, and libzmq accepts the connections that waited already with the descriptors of the
/// reserve. The throttle resumes when the reserve is free again. Established connections are not affected. (Unbinding
/// would end them, and `ZMQ_MAX_SOCKETS` counts sockets, not connections.)
///
/// Unix sockets have no filter that drops connections. There a failed attempt waits for a moment before libzmq repeats it,
/// and does not abort the process: `CInterposition`.
///
/// New connections get numbers in turn, so that a message over a connection that has ended is not taken for one of a newer
/// connection with the same number.
package struct AcceptThrottle {
    /// The most descriptors of the reserve.
    private static let largestReserve = 128
    /// Connections get numbers below this one in turn. A table of so many descriptors takes the kernel half a megabyte.
    private static let highestNumber = 1 << 16

    /// The most descriptors that the system allows the process, and how many of them are the reserve.
    private let limit: Int
    private let reserve: Int
    /// The sockets that accept connections over tcp.
    private var listeners: [Int32] = []
    /// Whether new connections are dropped.
    package private(set) var isPaused = false

    /// Raises the limit of open files as far as is possible without privileges, minus the reserve.
    package init() throws(SystemError) {
        limit = try Host.raiseDescriptorLimit()
        reserve = min(Self.largestReserve, limit / 4)
        try Host.raiseDescriptorLimit(reserving: reserve)
        acceptance_take_turns_below(Int32(min(limit - reserve, Self.highestNumber)))
    }

    /// Connections that may wait at a listener, for ``SocketOption/backlog``: half of the reserve.
    package var backlog: Int32 { Int32(max(1, reserve / 2)) }

    /// Adds the listener of a `listening` event, if it accepts connections over tcp.
    package mutating func add(listener event: SocketEvent) {
        guard event.kind == .listening, let descriptor = event.descriptor, event.endpoint.hasPrefix("tcp:") else {
            return
        }
        listeners.append(descriptor)
        if isPaused { _ = linux_drop_arrivals(descriptor, 1) }
    }

    /// Drops new connections from now on. Connections that wait already are accepted with descriptors of the reserve.
    package mutating func pause() {
        guard !isPaused else { return }
        isPaused = true
        for listener in listeners { _ = linux_drop_arrivals(listener, 1) }
        _ = try? Host.raiseDescriptorLimit()
    }

    /// Accepts new connections again if all descriptors of the reserve are free.
    package mutating func resumeIfPossible() {
        guard isPaused, (limit - reserve..<limit).allSatisfy({ fcntl(Int32($0), F_GETFD) < 0 }) else { return }
        _ = try? Host.raiseDescriptorLimit(reserving: reserve)
        for listener in listeners { _ = linux_drop_arrivals(listener, 0) }
        isPaused = false
    }
}

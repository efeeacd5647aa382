import CLinux
import Glibc
package import LockstepSystem

/// Keeps libzmq from spinning when a process has no descriptors left: its thread tries without pause to accept a
/// connection that waits.
///
/// The process allows itself fewer descriptors than it could have. Once accepting fails for want of one, the gate is
/// shut: the listeners' new connections are dropped by the kernel, which leaves them to try again, and the descriptors
/// kept back are used for those that had come before, so that nothing waits to be accepted. The gate opens when the ones
/// that were kept back are free again. Connections that stand do not notice. (Unbinding would end them, and
/// `ZMQ_MAX_SOCKETS` counts sockets, not connections.)
package struct ListenerGate {
    /// Descriptors that are kept back, where the system allows so many.
    private static let largestReserve = 128

    /// The most descriptors that the process can have, and how many of them are kept back.
    private let limit: Int
    private let reserve: Int
    /// The sockets that accept connections over tcp.
    private var listeners: [Int32] = []
    package private(set) var isShut = false

    /// Raises the limit of open files as far as is possible without privileges, short of the reserve.
    package init() throws(SystemError) {
        limit = try Host.raiseDescriptorLimit()
        reserve = min(Self.largestReserve, limit / 4)
        try Host.raiseDescriptorLimit(reserving: reserve)
    }

    /// Connections that may wait at a listener: half of the reserve, for ``SocketOption/backlog``.
    package var backlog: Int32 { Int32(max(1, reserve / 2)) }

    /// Takes a listener into its care.
    package mutating func guardListener(_ event: SocketEvent) {
        guard event.kind == .listening, let descriptor = event.descriptor, event.endpoint.hasPrefix("tcp:") else {
            return
        }
        listeners.append(descriptor)
        if isShut { _ = linux_drop_arrivals(descriptor, 1) }
    }

    /// Lets nobody in from now on, but those who wait already.
    package mutating func shut() {
        guard !isShut else { return }
        isShut = true
        for listener in listeners { _ = linux_drop_arrivals(listener, 1) }
        _ = try? Host.raiseDescriptorLimit()
    }

    /// Lets connections in again if the descriptors of the reserve are free.
    package mutating func openIfPossible() {
        guard isShut, (limit - reserve..<limit).allSatisfy({ fcntl(Int32($0), F_GETFD) < 0 }) else { return }
        _ = try? Host.raiseDescriptorLimit(reserving: reserve)
        for listener in listeners { _ = linux_drop_arrivals(listener, 0) }
        isShut = false
    }
}

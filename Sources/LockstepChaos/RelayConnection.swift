import Glibc
import LockstepSystem

/// The connection of a worker to the relay, and its counterpart to the coordinator.
final class RelayConnection {
    /// A direction.
    enum Way: CaseIterable, Hashable, Sendable {
        /// To the coordinator.
        case up
        /// To the worker.
        case down
    }

    private struct Direction {
        let source: Int32
        let target: Int32
        var damage: RelayDamage?
        private var buffer = [UInt8](repeating: 0, count: 1 << 16)
        /// The bytes that arrived last.
        private var earlier: [UInt8] = []
        /// What is to be sent: a part of `buffer`, or of these bytes if they were damaged.
        private var damaged: [UInt8]?
        private var rest = 0..<0
        private var endsConnection = false

        init(source: Int32, target: Int32) {
            (self.source, self.target) = (source, target)
        }

        /// Passes on what has arrived; false once either end has closed.
        mutating func pass() -> Bool {
            while true {
                if rest.isEmpty {
                    if endsConnection { return false }
                    let count = recv(source, &buffer, buffer.count, 0)
                    if count == 0 { return false }
                    guard count > 0 else { return errno == EAGAIN || errno == EINTR }
                    prepare(count)
                    continue
                }
                let sent = (damaged ?? buffer).withUnsafeBytes {
                    Glibc.send(
                        target, $0.baseAddress?.advanced(by: rest.lowerBound), rest.count, Int32(MSG_NOSIGNAL))
                }
                guard sent > 0 else { return errno == EAGAIN || errno == EINTR }
                rest = rest.lowerBound + sent..<rest.upperBound
            }
        }

        /// Prepares to send the first bytes of the buffer, damaged if that is due.
        private mutating func prepare(_ count: Int) {
            damaged = nil
            rest = 0..<count
            if let damage {
                let result = damage.apply(to: buffer[..<count], after: earlier)
                (damaged, endsConnection) = (result.bytes, result.endsConnection)
                rest = 0..<result.bytes.count
                self.damage = nil
            }
            earlier = Array(buffer[..<count])
        }

        var pollItem: pollfd {
            // Bytes that wait to be sent go first; meanwhile no more are read.
            rest.isEmpty
                ? pollfd(fd: source, events: Int16(POLLIN), revents: 0)
                : pollfd(fd: target, events: Int16(POLLOUT), revents: 0)
        }
    }

    private let ends: (worker: SharedDescriptor, coordinator: SharedDescriptor)
    private var up: Direction
    private var down: Direction

    init?(from worker: SharedDescriptor, to coordinator: String) {
        guard let made = try? UnixSocketAddress.makeSocket(),
            (try? UnixSocketAddress(path: coordinator).connect(made)) != nil
        else { return nil }
        let socket = SharedDescriptor(made)
        ends = (worker, socket)
        up = Direction(source: worker.number, target: socket.number)
        down = Direction(source: socket.number, target: worker.number)
    }

    /// Damages the next bytes of one direction.
    func damage(_ damage: RelayDamage) {
        switch damage.way {
        case .up: up.damage = damage
        case .down: down.damage = damage
        }
    }

    func pollItems(except held: Set<Way>) -> [pollfd] {
        (held.contains(.up) ? [] : [up.pollItem]) + (held.contains(.down) ? [] : [down.pollItem])
    }

    /// Passes on what has arrived, except in the directions that are held; false once either end has closed.
    func pass(except held: Set<Way>) -> Bool {
        // The last bytes of one end are passed on before the other end is closed.
        let isUp = held.contains(.up) || up.pass()
        let isDown = held.contains(.down) || down.pass()
        return isUp && isDown
    }
}

/// A descriptor with several references; the last one closes it.
final class SharedDescriptor: Sendable {
    private let descriptor: FileDescriptor
    var number: Int32 { descriptor.number }

    init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }
}

import Glibc
import LockstepSystem

/// A proxy between workers and their coordinator, over unix sockets, that can break connections as a network does.
///
/// Every worker connects to a lane of its own. A held lane passes no bytes in either direction and closes no connection,
/// like a network that drops packets: what was sent waits, as it would wait to be sent again.
final class Relay: Sendable {
    private struct Lane {
        let listener: SharedDescriptor
        var isHeld = false
        var connections: [Connection] = []
    }

    private enum Command {
        case add(lane: Int, SharedDescriptor)
        case hold(lane: Int, Bool)
        case cut(lane: Int)
        case end
    }

    private let folder: String
    private let coordinator: String
    private let commands = Locked<[Command]>([])
    private let event: EventDescriptor

    /// - Parameters:
    ///   - folder: Where the lanes' sockets are made.
    ///   - coordinator: The path of the coordinator's socket.
    /// - Throws: `SystemError` if a thread or descriptor cannot be made.
    init(folder: String, coordinator: String) throws(SystemError) {
        self.folder = folder
        self.coordinator = coordinator
        event = try EventDescriptor()
        _ = try Thread(name: "relay") { [self] in
            var lanes: [Int: Lane] = [:]
            while run(&lanes) {}
        }
    }

    /// Opens a lane.
    ///
    /// - Returns: The path to connect to.
    /// - Throws: `SystemError` if its socket cannot be made.
    func open(lane: Int) throws(SystemError) -> String {
        let path = "\(folder)/lane-\(lane)"
        let socket = try UnixSocketAddress.makeSocket()
        do throws(SystemError) {
            try UnixSocketAddress(path: path).listen(socket)
        } catch {
            throw SystemError("listen at", code: error.code, path: path)
        }
        send(.add(lane: lane, SharedDescriptor(socket)))
        return path
    }

    /// Holds the lane, or passes on what has waited.
    func hold(lane: Int, _ isHeld: Bool) { send(.hold(lane: lane, isHeld)) }

    /// Cuts the lane's connections; what was on its way is lost.
    func cut(lane: Int) { send(.cut(lane: lane)) }

    /// Cuts everything and ends.
    func end() { send(.end) }

    private func send(_ command: Command) {
        commands.withLock { $0.append(command) }
        event.signal()
    }

    // MARK: - The thread

    /// Waits for bytes or commands and handles them; false once the relay is to end.
    private func run(_ lanes: inout [Int: Lane]) -> Bool {
        var items = [pollfd(fd: event.number, events: Int16(POLLIN), revents: 0)]
        for lane in lanes.values where !lane.isHeld {
            items.append(pollfd(fd: lane.listener.number, events: Int16(POLLIN), revents: 0))
            for connection in lane.connections { items.append(contentsOf: connection.pollItems) }
        }
        guard poll(&items, nfds_t(items.count), -1) > 0 || errno == EINTR else { return false }
        if items[0].revents != 0 {
            event.reset()
            for command in commands.withLock({ exchange(&$0, with: []) }) {
                switch command {
                case .add(let lane, let listener): lanes[lane] = Lane(listener: listener)
                case .hold(let lane, let isHeld): lanes[lane]?.isHeld = isHeld
                case .cut(let lane): lanes[lane]?.connections.removeAll()
                case .end: return false
                }
            }
        }
        for number in lanes.keys where lanes[number]?.isHeld == false {
            lanes[number]?.connections.removeAll { !$0.pass() }
            while let socket = lanes[number].flatMap({ accept($0.listener) }) {
                // Without a coordinator the connection is closed, and the worker connects again.
                if let connection = Connection(from: socket, to: coordinator) {
                    lanes[number]?.connections.append(connection)
                }
            }
        }
        return true
    }

    private func accept(_ listener: SharedDescriptor) -> SharedDescriptor? {
        let number = Glibc.accept(listener.number, nil, nil)
        guard number >= 0 else { return nil }
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        _ = fcntl(number, F_SETFL, O_NONBLOCK)
        return SharedDescriptor(FileDescriptor(owning: number))
    }
}

/// The connection of a worker and its counterpart to the coordinator.
private final class Connection {
    private struct Direction {
        let source: Int32
        let target: Int32
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        var rest = 0..<0

        /// Passes on what has arrived; false once either end has closed.
        mutating func pass() -> Bool {
            while true {
                if rest.isEmpty {
                    let count = recv(source, &bytes, bytes.count, 0)
                    if count == 0 { return false }
                    guard count > 0 else { return errno == EAGAIN || errno == EINTR }
                    rest = 0..<count
                }
                let sent = bytes.withUnsafeBytes {
                    Glibc.send(
                        target, $0.baseAddress?.advanced(by: rest.lowerBound), rest.count, Int32(MSG_NOSIGNAL))
                }
                guard sent > 0 else { return errno == EAGAIN || errno == EINTR }
                rest = rest.lowerBound + sent..<rest.upperBound
            }
        }

        var pollItems: [pollfd] {
            // Bytes that wait to be sent go first; meanwhile no more are read.
            rest.isEmpty
                ? [pollfd(fd: source, events: Int16(POLLIN), revents: 0)]
                : [pollfd(fd: target, events: Int16(POLLOUT), revents: 0)]
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

    var pollItems: [pollfd] { up.pollItems + down.pollItems }

    func pass() -> Bool {
        // The last bytes of one end are passed on before the other end is closed.
        let (isUp, isDown) = (up.pass(), down.pass())
        return isUp && isDown
    }
}

/// A descriptor with several references; the last one closes it.
private final class SharedDescriptor: Sendable {
    private let descriptor: FileDescriptor
    var number: Int32 { descriptor.number }

    init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }
}

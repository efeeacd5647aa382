import Glibc
import LockstepSystem

/// A proxy between workers and their coordinator, over unix sockets, that can break connections as a network does.
///
/// Every worker connects to a lane of its own. A held lane passes no bytes and closes no connection, like a network that
/// drops packets: what was sent waits, as it would wait to be sent again. Bytes can also be damaged on their way.
final class Relay: Sendable {
    private struct Lane {
        let listener: SharedDescriptor
        /// The directions that pass nothing.
        var held: Set<RelayConnection.Way> = []
        var connections: [RelayConnection] = []

        /// Whether new connections wait, too.
        var isHeld: Bool { held.count == RelayConnection.Way.allCases.count }
    }

    private enum Command {
        case add(lane: Int, SharedDescriptor)
        case hold(lane: Int, Set<RelayConnection.Way>)
        case damage(lane: Int, RelayDamage)
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

    /// Holds the lane in both directions, or passes on what has waited.
    func hold(lane: Int, _ isHeld: Bool) {
        send(.hold(lane: lane, isHeld ? Set(RelayConnection.Way.allCases) : []))
    }

    /// Holds one direction of the lane.
    func hold(lane: Int, _ way: RelayConnection.Way) { send(.hold(lane: lane, [way])) }

    /// Damages the next bytes of the lane's connection.
    func damage(lane: Int, _ damage: RelayDamage) { send(.damage(lane: lane, damage)) }

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
            for connection in lane.connections { items.append(contentsOf: connection.pollItems(except: lane.held)) }
        }
        guard poll(&items, nfds_t(items.count), -1) > 0 || errno == EINTR else { return false }
        if items[0].revents != 0 {
            event.reset()
            for command in commands.withLock({ exchange(&$0, with: []) }) {
                switch command {
                case .add(let lane, let listener): lanes[lane] = Lane(listener: listener)
                case .hold(let lane, let ways): lanes[lane]?.held = ways
                case .damage(let lane, let damage): lanes[lane]?.connections.last?.damage(damage)
                case .cut(let lane): lanes[lane]?.connections.removeAll()
                case .end: return false
                }
            }
        }
        for number in lanes.keys where lanes[number]?.isHeld == false {
            let held = lanes[number]?.held ?? []
            lanes[number]?.connections.removeAll { !$0.pass(except: held) }
            while let socket = lanes[number].flatMap({ accept($0.listener) }) {
                // Without a coordinator the connection is closed, and the worker connects again.
                if let connection = RelayConnection(from: socket, to: coordinator) {
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

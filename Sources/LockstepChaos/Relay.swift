import CLinux
import Glibc
import LockstepSystem

/// A proxy between workers and their coordinator, over unix sockets, that can break connections as a network does.
///
/// Every worker connects to a lane of its own. A held lane passes no bytes in either direction and closes no connection,
/// like a network that drops packets: what was sent waits, as it would wait to be sent again.
final class Relay: Sendable {
    private struct Lane {
        let listener: FileHandle
        var isHeld = false
        var connections: [Connection] = []
    }

    private enum Command {
        case add(lane: Int, FileHandle)
        case hold(lane: Int, Bool)
        case cut(lane: Int)
        case end
    }

    private let folder: String
    private let coordinator: String
    private let commands = Locked<[Command]>([])
    private let event: Int32

    /// - Parameters:
    ///   - folder: Where the lanes' sockets are made.
    ///   - coordinator: The path of the coordinator's socket.
    /// - Throws: `SystemError` if a thread or descriptor cannot be made.
    init(folder: String, coordinator: String) throws(SystemError) {
        self.folder = folder
        self.coordinator = coordinator
        event = linux_eventfd(O_CLOEXEC | O_NONBLOCK)
        guard event >= 0 else { throw SystemError("make an event descriptor", code: errno) }
        let event = event
        _ = try Thread(name: "relay") { [self] in
            var lanes: [Int: Lane] = [:]
            while run(&lanes) {}
            close(event)
        }
    }

    /// Opens a lane.
    ///
    /// - Returns: The path to connect to.
    /// - Throws: `SystemError` if its socket cannot be made.
    func open(lane: Int) throws(SystemError) -> String {
        let path = "\(folder)/lane-\(lane)"
        let socket = try FileHandle(localSocket: ())
        let result = withAddress(path) { bind(socket.number, $0, $1) }
        guard result == 0, listen(socket.number, 64) == 0 else {
            throw SystemError("listen at", code: errno, path: path)
        }
        send(.add(lane: lane, socket))
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
        var one: UInt64 = 1
        _ = write(event, &one, MemoryLayout<UInt64>.size)
    }

    // MARK: - The thread

    /// Waits for bytes or commands and handles them; false once the relay is to end.
    private func run(_ lanes: inout [Int: Lane]) -> Bool {
        var items = [pollfd(fd: event, events: Int16(POLLIN), revents: 0)]
        for lane in lanes.values where !lane.isHeld {
            items.append(pollfd(fd: lane.listener.number, events: Int16(POLLIN), revents: 0))
            for connection in lane.connections { items.append(contentsOf: connection.pollItems) }
        }
        guard poll(&items, nfds_t(items.count), -1) > 0 || errno == EINTR else { return false }
        if items[0].revents != 0 {
            var count: UInt64 = 0
            _ = read(event, &count, MemoryLayout<UInt64>.size)
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

    private func accept(_ listener: FileHandle) -> FileHandle? {
        let number = Glibc.accept(listener.number, nil, nil)
        guard number >= 0 else { return nil }
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        _ = fcntl(number, F_SETFL, O_NONBLOCK)
        return FileHandle(number)
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

    private let ends: (worker: FileHandle, coordinator: FileHandle)
    private var up: Direction
    private var down: Direction

    init?(from worker: FileHandle, to coordinator: String) {
        guard let socket = try? FileHandle(localSocket: ()),
            withAddress(coordinator, { connect(socket.number, $0, $1) }) == 0
        else { return nil }
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

/// An open file, closed with its last reference.
private final class FileHandle: Sendable {
    let number: Int32

    init(_ number: Int32) {
        self.number = number
    }

    /// A unix socket that never waits.
    convenience init(localSocket: Void) throws(SystemError) {
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let number = socket(AF_UNIX, Int32(kind), 0)
        guard number >= 0 else { throw SystemError("make a local socket", code: errno) }
        self.init(number)
    }

    deinit {
        close(number)
    }
}

/// Calls `body` with the address of a socket in the file system.
private func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}

import Glibc
import LockstepText
package import LockstepTimeline

/// The service manager that started this process, such as systemd. It is told over a datagram socket what the service does:
/// sd_notify(3) describes the protocol.
///
/// A manager with a watchdog ends a service that is silent for too long. The loop that trains calls ``ping(now:)`` itself, so
/// that a loop that hangs is silent.
package final class ServiceManager: Sendable {
    /// The manager of this process; nil if none asks for notifications. Look it up before the first thread is started: the
    /// lookup removes the manager's variables from the environment, because they do not concern child processes.
    package static let current: ServiceManager? = {
        let manager = ServiceManager(environment: environmentPath)
        for name in variables { unsetenv(name) }
        return manager
    }()

    private static let variables = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]

    /// What has been sent.
    private struct State {
        var status = ""
        var nextPing: Instant?
        var isReady = false
        var isStopping = false
    }

    private let socket: FileDescriptor
    private let address: UnixSocketAddress
    /// The time between two pings: half of the time after which the manager ends the service; nil: it has no watchdog.
    private let pingInterval: Duration?
    private let state: Locked<State>

    /// The microseconds that one notification waits at most while the manager does not read.
    private static let sendTimeout = 100_000

    /// Fails unless `NOTIFY_SOCKET` is the address of a unix socket.
    ///
    /// - Parameter variable: Looks an environment variable up.
    package init?(environment variable: (String) -> String?) {
        guard let name = variable("NOTIFY_SOCKET"), let address = UnixSocketAddress(notifySocket: name),
            let socket = try? UnixSocketAddress.makeDatagramSocket()
        else { return nil }
        var timeout = timeval(tv_sec: 0, tv_usec: Self.sendTimeout)
        setsockopt(
            socket.number, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let isOurs = variable("WATCHDOG_PID").map { $0 == "\(getpid())" } ?? true
        let limit = isOurs ? variable("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0 : 0
        pingInterval = limit > 1 ? .microseconds(limit / 2) : nil
        self.socket = socket
        self.address = address
        state = Locked(State(nextPing: limit > 1 ? Instant(nanoseconds: 0) : nil))
    }

    /// Says once that the service has started; later calls only report the status.
    package func ready(status: String) {
        let isFirst = state.withLock { state in
            defer { state.isReady = true }
            if !state.isReady { state.status = status }
            return !state.isReady
        }
        if isFirst { send("READY=1\nSTATUS=\(Self.line(status))") } else { report(status: status) }
    }

    /// Says what the service does, unless it has said the same before.
    package func report(status: String) {
        let isNew = state.withLock { state in
            defer { state.status = status }
            return state.status != status
        }
        if isNew { send("STATUS=\(Self.line(status))") }
    }

    /// Says once that the service ends by itself.
    package func stopping(status: String) {
        let isFirst = state.withLock { state in
            defer { state.isStopping = true }
            return !state.isStopping
        }
        if isFirst { send("STOPPING=1\nSTATUS=\(Self.line(status))") }
    }

    /// When ``ping(now:)`` must be called at the latest; nil: never.
    package var nextPing: Instant? { state.withLock { $0.nextPing } }

    /// Tells the watchdog that the calling loop makes progress, if that is due.
    package func ping(now: Instant) {
        guard let pingInterval else { return }
        let isDue = state.withLock { state in
            guard let due = state.nextPing, due <= now else { return false }
            state.nextPing = now.advanced(by: pingInterval)
            return true
        }
        if isDue { send("WATCHDOG=1") }
    }

    /// A status is one line.
    private static func line(_ text: String) -> String { text.printable(limit: 1_000) }

    /// Sends a notification. A manager that is gone or does not read has no effect on the service.
    private func send(_ text: String) {
        address.send(Array(text.utf8), from: socket)
    }
}

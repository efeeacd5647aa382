import Glibc
import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// Pauses accepting connections while the process has no descriptors left.
struct AcceptanceControl {
    private var throttle: AcceptThrottle
    /// Seconds between attempts to resume. Connections that never complete a handshake have ended by then.
    private let retryInterval: Double
    /// When the next attempt is due; nil while the throttle is not paused.
    private(set) var retryDeadline: Instant?
    private var hasReportedPause = false

    /// - Throws: `SystemError` if the limit of open files cannot be read.
    init(retryInterval: Double) throws(SystemError) {
        throttle = try AcceptThrottle()
        self.retryInterval = retryInterval
    }

    /// Connections that may wait at a listener.
    var backlog: Int32 { throttle.backlog }

    /// Adds a listening socket.
    mutating func add(_ event: SocketEvent) {
        throttle.add(listener: event)
    }

    /// Pauses if accepting failed for lack of descriptors: libzmq would retry at once, for ever.
    ///
    /// - Parameter code: The errno of the failure.
    /// - Returns: A line to report, the first time.
    mutating func pause(after code: Int32) -> String? {
        guard code == EMFILE || code == ENFILE, !throttle.isPaused else { return nil }
        throttle.pause()
        retryDeadline = Instant.now.advanced(bySeconds: retryInterval)
        guard !hasReportedPause else { return nil }
        hasReportedPause = true
        return "connections cannot be accepted: \(String(cString: strerror(code))); raise the limit (ulimit -Hn)"
    }

    /// Resumes accepting if an attempt is due and descriptors are free.
    mutating func resumeIfDue() {
        guard let deadline = retryDeadline, deadline <= .now else { return }
        throttle.resumeIfPossible()
        retryDeadline = throttle.isPaused ? Instant.now.advanced(bySeconds: retryInterval) : nil
    }
}

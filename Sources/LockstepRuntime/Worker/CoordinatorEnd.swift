import LockstepCluster
import LockstepTimeline
import ZeroMQ

/// Detects that the coordinator's process has ended, by the end of the connection over which its shared memory came.
///
/// libzmq reports the end of the coordinator's connection too, after the coordinator's last messages. So the worker first
/// waits for that report, up to a deadline. The report, or the next welcome, cancels the deadline: a coordinator that is
/// started again may have the worker back within milliseconds.
struct CoordinatorEnd {
    /// The poller's token for the connection; nil once it has ended or none is watched.
    private var token: Poller.Token?
    /// When the worker stops waiting for libzmq's report; nil unless the connection has ended without it.
    private(set) var deadline: Instant?

    /// Watches the connection over which shared memory came.
    mutating func watch(_ descriptor: Int32, with poller: inout Poller) {
        cancel(&poller)
        token = poller.add(descriptor: descriptor)
    }

    /// Stops watching, and stops waiting for libzmq's report.
    mutating func cancel(_ poller: inout Poller) {
        if let token = token.take() { poller.remove(token) }
        deadline = nil
    }

    /// Checks the connection after the poller has waited.
    ///
    /// - Parameters:
    ///   - poller: The poller.
    ///   - hasEnded: Reads from the connection; returns whether the coordinator's end of it is closed.
    /// - Returns: Whether libzmq should have reported the coordinator's end by now.
    mutating func isOverdue(_ poller: inout Poller, hasEnded: () -> Bool) -> Bool {
        if let token, !poller.events(for: token).isEmpty, hasEnded() {
            cancel(&poller)
            deadline = Instant.now.advanced(bySeconds: Deadlines().end)
        }
        guard let deadline, deadline <= .now else { return false }
        self.deadline = nil
        return true
    }
}

import LockstepSystem
package import LockstepTimeline

/// Worker processes on other hosts that a launcher starts for a coordinator, watches and replaces.
///
/// The coordinator's loop calls it on one thread.
package protocol RemoteWorkers: AnyObject {
    /// The number of restarts, including planned ones.
    var restarts: Int { get }
    /// When the next start is due; nil if none is.
    var nextDue: Instant? { get }
    /// Kills the processes of this host that hold the workers. Any thread may call the closure.
    var killAll: @Sendable () -> Void { get }

    /// Checks which hosts have ended, and starts those whose pause is over.
    ///
    /// - Parameters:
    ///   - isGathering: Whether the run still waits for its first workers.
    ///   - isNeeded: Whether the run cannot continue without workers.
    /// - Throws: Why a host cannot take part, while the run still waits for it; why no workers are left.
    func check(isGathering: Bool, isNeeded: Bool) throws

    /// Waits up to `grace` seconds for the hosts to end, and ends those that have not.
    func stop(grace: Double)
}

/// The workers that a coordinator has started.
struct StartedWorkers {
    /// On this host.
    var local: LocalWorkers?
    /// On other hosts.
    var remote: (any RemoteWorkers)?

    /// When one must be started; nil if none.
    var nextDue: Instant? { Instant.earlier(local?.nextDue, remote?.nextDue) }

    var restarts: Int { (local?.restarts ?? 0) + (remote?.restarts ?? 0) }

    func stop(grace: Double) {
        local?.stop(grace: grace)
        remote?.stop(grace: grace)
    }
}

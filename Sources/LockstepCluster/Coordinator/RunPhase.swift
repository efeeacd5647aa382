import LockstepTimeline

/// What a run is doing, and how long it may wait for workers: gathering -> running -> ended. A running run waits whenever
/// no worker is left to compute.
struct RunPhase: Sendable {
    /// What the run is doing.
    enum Stage: Hashable, Sendable {
        /// Waits for its first workers.
        case gathering
        case running
        /// Has no worker and waits for one.
        case waiting
        case ended
    }

    private let minimumWorkers: Int
    /// Seconds to wait for the first workers, and for one after the last has gone.
    private let (start, rejoin): (Double, Double)
    private(set) var stage = Stage.gathering
    /// The end of the wait; nil if the run does not wait.
    private(set) var deadline: Instant?
    /// Why the last worker was refused for its link; nil once another one has joined.
    private var brokenLink: String?

    /// Begins to gather workers.
    init(configuration: CoordinatorMachine.Configuration, now: Instant) {
        minimumWorkers = configuration.minimumWorkers
        (start, rejoin) = (configuration.deadlines.start, configuration.deadlines.rejoin)
        deadline = now.advanced(bySeconds: start)
    }

    /// Ends the gathering: the first step or evaluation begins.
    mutating func beginWork() {
        if stage == .gathering { run() }
    }

    /// Ends the wait for a worker. The first workers are waited for until work begins.
    mutating func workerJoined() {
        brokenLink = nil
        if stage == .waiting { run() }
    }

    /// Begins to wait for a worker, if the run is running.
    ///
    /// - Returns: The seconds that it will wait; nil if it waits already or has ended.
    mutating func beginWaiting(now: Instant) -> Double? {
        guard stage == .running else { return nil }
        (stage, deadline) = (.waiting, now.advanced(bySeconds: rejoin))
        return rejoin
    }

    /// Records that a worker has been refused because its link is too slow.
    mutating func linkBroke(_ reason: String) {
        brokenLink = reason
    }

    /// Ends the run.
    mutating func end() {
        (stage, deadline) = (.ended, nil)
    }

    /// Why the run fails now; nil if it does not.
    ///
    /// - Parameters:
    ///   - joined: The workers that are ready.
    ///   - now: The current time.
    /// - Returns: The failure.
    func failure(joined: Int, now: Instant) -> ClusterFailure? {
        guard let deadline, deadline <= now else { return nil }
        if stage == .gathering { return .tooFewWorkers(joined: joined, needed: minimumWorkers, seconds: start) }
        return brokenLink.map { .linkTooSlow(reason: $0, seconds: rejoin) } ?? .noWorkersLeft(seconds: rejoin)
    }

    private mutating func run() {
        (stage, deadline) = (.running, nil)
    }
}

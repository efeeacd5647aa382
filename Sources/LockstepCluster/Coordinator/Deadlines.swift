/// Every wait in a cluster, in one table.
///
/// | wait | seconds |
/// | --- | --- |
/// | heartbeat: sent every / peer lost after | 1 / 3 |
/// | connection: for the transport's own handshake | 5 |
/// | handshake: from welcome, or the last piece of the data set, to ready | 60 |
/// | answer to a hello, before the worker sends it again | 5 |
/// | before a former member says hello again to a run that is full | 1 |
/// | start: for the first workers, or for the coordinator | 60 |
/// | rejoin: for a worker once the last one has gone, or for the coordinator | 60 |
/// | straggler: until an idle worker is assigned the item too | 2 x the median, at least 0.02 |
/// | step: until a worker that does not answer is evicted | 20 x the median, at least 5 |
/// | the same before the first answer | 60, doubled with every eviction |
/// | pause before a dead worker process is restarted | 0.2, doubled with every early failure up to 30 |
/// | linger: for the last messages when a socket closes | 1 |
/// | drain: for a run's last messages to reach workers that the heartbeat finds alive | 10 |
/// | report: for the workers' reports of where their time went | 5 |
/// | exit grace: from asking a local worker to stop to killing it | 5 |
///
/// Start and rejoin are the run configuration's `timeouts`. The median is over the answers of the last 64 steps: of their
/// time for each sample, times the samples of the item.
///
/// Only time in which the coordinator listens counts: between two events at most ``maximumGap`` passes (``ClampedClock``). A
/// coordinator that was busy or stopped does not take its own pause for a worker's death.
package struct Deadlines: Hashable, Sendable {
    package var heartbeatInterval = 1.0
    package var heartbeatTimeout = 3.0
    package var connection = 5.0
    package var handshake = 60.0
    package var hello = 5.0
    package var fullAgain = 1.0
    package var start = 60.0
    package var rejoin = 60.0
    package var stragglerFactor = 2.0
    package var stragglerFloor = 0.02
    package var stepFactor = 20.0
    package var stepFloor = 5.0
    package var firstAnswer = 60.0
    package var firstPause = 0.2
    package var longestPause = 30.0
    package var linger = 1.0
    /// The goodbye follows the last weights, which may take long over a slow link.
    package var drain = 10.0
    package var report = 5.0
    package var exitGrace = 5.0
    /// The most time that counts between two events.
    package var maximumGap = 1.0

    package init(start: Double = 60, rejoin: Double = 60) {
        self.start = start
        self.rejoin = rejoin
    }

    /// Seconds after which an item is assigned to an idle worker too.
    func straggler(expected seconds: Double?) -> Double {
        max(stragglerFloor, stragglerFactor * (seconds ?? 0))
    }

    /// Seconds after which a worker that does not answer is evicted.
    ///
    /// - Parameters:
    ///   - seconds: The expected time; nil before the first answer.
    ///   - evictions: Workers evicted since the last answer. Each doubles the wait, so that work which merely takes long
    ///     is done in the end.
    /// - Returns: Seconds.
    func step(expected seconds: Double?, evictions: Int) -> Double {
        let wait = seconds.map { max(stepFloor, stepFactor * $0) } ?? firstAnswer
        return wait * Double(1 << min(evictions, 16))
    }
}

/// The table of all waits in a cluster.
///
/// | wait | seconds |
/// | --- | --- |
/// | heartbeat: sent every / peer lost after | 1 / 3 |
/// | connection: for the transport's own handshake | 5 |
/// | handshake: from welcome, or from the last part of the data set, to ready | 60 |
/// | hello: until a worker without an answer sends its hello again | 5 |
/// | until a worker says hello again to a run that is full | 1, doubled each time up to 8 |
/// | silence: until a worker asks a coordinator that says nothing / until it gives it up | 30 / 300 |
/// | start: for the first workers, or for the coordinator | 60 |
/// | rejoin: for a worker once the last one has gone, or for the coordinator | 60 |
/// | straggler: until an idle worker is assigned the item too | 2 x the median, at least 0.02 |
/// | step: until a worker that does not answer is evicted | 20 x the median, at least 5 |
/// | the same before the first answer, or while bytes for or from the worker are under way | 60, doubled with every eviction |
/// | pause before a dead worker process is restarted | 0.2, doubled with every early failure up to 30 |
/// | linger: for the last messages when a socket closes | 1 |
/// | drain: for a run's last messages to reach workers that the heartbeat finds alive | 10 |
/// | report: for the workers' timelines | 5 |
/// | status: for the coordinator's answer to `status` or `doctor` | 5 |
/// | offer: for the coordinator's answer to a worker that asks for shared memory | 5 |
/// | end: for the connection of a process that has ended to end too | 0.05 |
/// | exit grace: from asking a local worker to stop to killing it | 5 |
///
/// Start and rejoin are keys of the run's configuration (`timeouts`). The median is the median time per sample in the
/// answers of the last 64 steps, multiplied by the samples of the item.
///
/// Only the time in which the coordinator could receive messages counts: between two events at most ``maximumGap``
/// passes (``ClampedClock``). So a coordinator that was busy or stopped does not evict its workers.
package struct Deadlines: Hashable, Sendable {
    package var heartbeatInterval = 1.0
    package var heartbeatTimeout = 3.0
    package var connection = 5.0
    package var handshake = 60.0
    package var hello = 5.0
    package var retryWhenFull = 1.0
    package var longestRetryWhenFull = 8.0
    /// Seconds of silence before a ping, and the pings that may stay unanswered.
    package var ping = 30.0
    package var pings = 9
    package var start = 60.0
    package var rejoin = 60.0
    package var stragglerFactor = 2.0
    package var stragglerFloor = 0.02
    package var stepFactor = 20.0
    package var stepFloor = 5.0
    package var firstAnswer = 60.0
    /// Memberships in a row without any answer after which a worker gives up, and is given up.
    package var fruitlessMemberships = 10
    package var firstPause = 0.2
    package var longestPause = 30.0
    package var linger = 1.0
    /// Long, because the goodbye follows the last weights over a link that may be slow.
    package var drain = 10.0
    package var report = 5.0
    package var status = 5.0
    package var offer = 5.0
    package var end = 0.05
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
    ///   - evictions: The number of workers evicted since the last answer. Each eviction doubles the wait, so that work
    ///     that takes long is done in the end.
    /// - Returns: Seconds.
    func step(expected seconds: Double?, evictions: Int) -> Double {
        let wait = seconds.map { max(stepFloor, stepFactor * $0) } ?? firstAnswer
        return wait * Double(1 << min(evictions, 16))
    }
}

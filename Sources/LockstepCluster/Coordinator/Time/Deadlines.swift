/// All waits in a cluster, in seconds. The documentation's article Deadlines has them as a table.
///
/// The median is the median time per sample in the answers of the last 64 steps, multiplied by the samples of the item.
///
/// Only the time in which the coordinator could receive messages counts: between two events at most ``maximumGap``
/// passes (``ClampedClock``). So a coordinator that was busy or stopped does not evict its workers.
package struct Deadlines: Hashable, Sendable {
    package var heartbeatInterval = 1.0
    /// A peer without a heartbeat for so long is lost.
    package var heartbeatTimeout = 3.0
    /// For the transport's own handshake.
    package var connection = 5.0
    /// From the welcome, or from the last part of the data set, to the proof.
    package var handshake = 60.0
    /// Until a worker without an answer sends its hello again.
    package var hello = 5.0
    /// Until a worker says hello again to a run that is full.
    package var retryWhenFull = 1.0
    /// That wait is doubled each time up to this.
    package var longestRetryWhenFull = 8.0
    /// Of silence before a worker asks its coordinator whether it is there.
    package var ping = 30.0
    /// The questions that may stay unanswered.
    package var pings = 9
    /// For the first workers, or for the coordinator. The run configuration's `timeouts.start`.
    package var start = 60.0
    /// For a worker once the last one has gone, or for the coordinator. The run configuration's `timeouts.rejoin`.
    package var rejoin = 60.0
    /// Between two lines in which a worker says why it waits for its coordinator.
    package var waitReport = 10.0
    /// For an ssh client to reach a host.
    package var hostConnection = 30.0
    /// Between two questions of an ssh client to a host that says nothing.
    package var hostAlive = 5.0
    /// The questions that may stay unanswered before the connection counts as lost.
    package var hostAliveQuestions = 3
    /// Medians until an idle worker is assigned the item too, but at least ``stragglerFloor``.
    package var stragglerFactor = 2.0
    package var stragglerFloor = 0.02
    /// Medians until a worker that does not answer is evicted, but at least ``stepFloor``.
    package var stepFactor = 20.0
    package var stepFloor = 5.0
    /// The same before the first answer, or while bytes for or from the worker are under way; doubled with every eviction.
    package var firstAnswer = 60.0
    /// For the weights of an item alone: longer than the coordinator waits for the answer to it.
    package var weights = 65.0
    /// A worker stops after this number of consecutive memberships without any answer, and the coordinator refuses it.
    package var fruitlessMemberships = 10
    /// The pause before a dead worker process is restarted; doubled with every early failure up to ``longestPause``.
    package var firstPause = 0.2
    package var longestPause = 30.0
    /// For the last messages when a socket closes.
    package var linger = 1.0
    /// For a run's last messages to reach workers that the heartbeat finds alive. Long, because the goodbye follows the last
    /// weights over a link that may be slow.
    package var drain = 10.0
    /// For the workers' timelines.
    package var report = 5.0
    /// For the answers of workers that are asked whether their data sets are intact.
    package var dataCheck = 5.0
    /// For the coordinator's answer to `lockstep status` or `lockstep doctor`.
    package var status = 5.0
    /// For the coordinator's answer to a worker that asks for shared memory.
    package var offer = 5.0
    /// For the connection of a process that has ended to end too.
    package var end = 1.0
    /// For the workers' answers to the step under way once a signal has asked the run to end. Then the coordinator computes
    /// the rest of the step itself.
    package var stop = 5.0
    /// From asking a local worker to stop to killing it.
    package var exitGrace = 5.0
    /// The same once a signal has asked the run to end.
    package var hurriedExitGrace = 1.0
    /// The most time that counts between two events.
    package var maximumGap = 1.0

    package init(start: Double = 60, rejoin: Double = 60) {
        self.start = start
        self.rejoin = rejoin
    }

    /// The deadlines of an aggregator for its own workers: those for work are half of the deadlines above, so that it notices
    /// and replaces a worker that hangs before the coordinator above gives the aggregator up.
    ///
    /// - Parameter level: The number of coordinators above: 0 for the run's own.
    /// - Returns: The deadlines.
    package func atLevel(_ level: Int) -> Deadlines {
        guard level > 0 else { return self }
        var half = self
        half.start = start / 2
        half.stragglerFactor = 1 + (stragglerFactor - 1) / 2
        half.stragglerFloor = stragglerFloor / 2
        half.stepFactor = stepFactor / 2
        half.stepFloor = stepFloor / 2
        half.firstAnswer = firstAnswer / 2
        half.stop = stop / 2
        return half.atLevel(level - 1)
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

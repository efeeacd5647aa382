package import LockstepTimeline

/// Decides whether and when a process that died is restarted: the first time after a fifth of a second, then after
/// longer and longer pauses while it keeps failing early. Does no I/O and reads no clock.
package struct RestartPolicy: Sendable {
    /// How a process ended.
    package enum Ending: Hashable, Sendable {
        /// A signal killed it, or it ended with an error.
        case died
        /// It left the run, or was told to end.
        case left
    }

    /// The decision about a process that ended.
    package enum Decision: Hashable, Sendable {
        /// Start another process after a pause. This is restart number `count` of at most `limit` in this run; nil: of
        /// any number.
        case restart(afterSeconds: Double, count: Int, limit: Int?)
        /// The run has used up its restarts, and continues with the other processes.
        case exhausted(limit: Int)
        /// Do nothing: the process left.
        case none
    }

    private struct Place: Sendable {
        var startedAt: Instant
        /// Consecutive failures within ``Deadlines/start`` of the process's start.
        var earlyFailures = 0
        var due: Instant?
    }

    private let limit: Int?
    private let deadlines: Deadlines
    private var places: [Place]
    /// The number of restarts so far.
    package private(set) var count = 0

    /// Starts with a process at every place.
    ///
    /// - Parameters:
    ///   - places: The number of processes.
    ///   - limit: The most restarts in a run; nil for no limit.
    ///   - deadlines: The pauses.
    ///   - now: The present instant.
    package init(places: Int, limit: Int?, deadlines: Deadlines, now: Instant) {
        self.limit = limit
        self.deadlines = deadlines
        self.places = Array(repeating: Place(startedAt: now), count: places)
    }

    /// Decides what to do about a process that has ended.
    package mutating func processEnded(at place: Int, _ ending: Ending, now: Instant) -> Decision {
        guard ending == .died else { return .none }
        if let limit, count >= limit { return .exhausted(limit: limit) }
        count += 1
        let ranLong = places[place].startedAt.advanced(bySeconds: deadlines.start) <= now
        if ranLong { places[place].earlyFailures = 0 }
        let factor = Double(1 << min(places[place].earlyFailures, 16))
        let pause = min(deadlines.longestPause, deadlines.firstPause * factor)
        places[place].earlyFailures += 1
        places[place].due = now.advanced(bySeconds: pause)
        return .restart(afterSeconds: pause, count: count, limit: limit)
    }

    /// Returns the places whose process must be started now, and counts these processes as started.
    package mutating func startDue(now: Instant) -> [Int] {
        places.indices.filter { index in
            guard let due = places[index].due, due <= now else { return false }
            places[index].due = nil
            places[index].startedAt = now
            return true
        }
    }

    /// When the next process must be started; nil if none.
    package var nextStart: Instant? { places.lazy.compactMap(\.due).min() }
}

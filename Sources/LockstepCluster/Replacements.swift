package import LockstepTimeline

/// Whether and when a process that has died is replaced: the first time at once, or nearly so, and after ever longer
/// pauses if it keeps dying young. Does no I/O and reads no clock.
package struct Replacements: Sendable {
    /// How a process ended.
    package enum Ending: Hashable, Sendable {
        /// It was killed, crashed, or gave up.
        case died
        /// It left of its own accord, was sent home, or is not wanted any more.
        case left
    }

    /// What is done about it.
    package enum Decision: Hashable, Sendable {
        /// Another one starts after a pause. `count` of at most `limit` in this run, if there is a limit.
        case replaced(afterSeconds: Double, count: Int, limit: Int?)
        /// The run has had all its replacements; it goes on with the others.
        case exhausted(limit: Int)
        /// It left.
        case none
    }

    private struct Slot: Sendable {
        var startedAt: Instant
        var youngDeaths = 0
        var due: Instant?
    }

    private let limit: Int?
    private let deadlines: Deadlines
    private var slots: [Slot]
    /// Replacements that were granted.
    package private(set) var count = 0

    /// All places are taken by processes that start now.
    ///
    /// - Parameters:
    ///   - places: How many processes there are.
    ///   - limit: The most replacements in a run; nil for no limit.
    ///   - deadlines: The pauses.
    ///   - now: This instant.
    package init(places: Int, limit: Int?, deadlines: Deadlines, now: Instant) {
        self.limit = limit
        self.deadlines = deadlines
        self.slots = Array(repeating: Slot(startedAt: now), count: places)
    }

    /// The process at this place has ended.
    package mutating func ended(_ place: Int, _ ending: Ending, now: Instant) -> Decision {
        guard ending == .died else { return .none }
        if let limit, count >= limit { return .exhausted(limit: limit) }
        count += 1
        let livedLong = slots[place].startedAt.advanced(bySeconds: deadlines.start) <= now
        slots[place].youngDeaths = livedLong ? 0 : slots[place].youngDeaths
        let factor = Double(1 << min(slots[place].youngDeaths, 16))
        let pause = min(deadlines.longestPause, deadlines.firstPause * factor)
        slots[place].youngDeaths += 1
        slots[place].due = now.advanced(bySeconds: pause)
        return .replaced(afterSeconds: pause, count: count, limit: limit)
    }

    /// Takes out the places where a process is to be started now.
    package mutating func takeDue(now: Instant) -> [Int] {
        slots.indices.filter { place in
            guard let due = slots[place].due, due <= now else { return false }
            slots[place].due = nil
            slots[place].startedAt = now
            return true
        }
    }

    /// When the next process is to be started.
    package var nextDue: Instant? { slots.lazy.compactMap(\.due).min() }
}

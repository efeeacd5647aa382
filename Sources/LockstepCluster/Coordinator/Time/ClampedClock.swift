package import LockstepTimeline

/// A clock for the deadlines of other processes. It counts only the time in which the coordinator could receive their
/// messages.
///
/// Between two readings the clock advances by ``maximumGap`` at most, however late the second reading comes. A
/// coordinator that was busy or stopped between them has received nothing, and must not conclude that a worker was
/// silent. For the same reason the clock stands still while received messages wait to be read.
///
/// There are two time scales. ``advance(to:)`` takes and ``due(_:)`` returns instants of the system's clock; ``now``
/// and all deadlines are instants of this clock.
package struct ClampedClock: Hashable, Sendable {
    /// Nanoseconds.
    private let maximumGap: UInt64
    /// The last reading of the system's clock.
    private var last: Instant
    /// The same instant on this clock.
    package private(set) var now: Instant
    /// Whether the clock stands still.
    package var isHeld = false

    /// - Parameters:
    ///   - maximumGap: The most seconds by which the clock advances between two readings.
    ///   - now: The present instant.
    package init(maximumGap: Double, now: Instant) {
        self.maximumGap = Instant(nanoseconds: 0).advanced(bySeconds: maximumGap).nanoseconds
        self.last = now
        self.now = now
    }

    /// Advances the clock to a reading of the system's clock. A reading before the last one is ignored.
    package mutating func advance(to instant: Instant) {
        guard instant > last else { return }
        if !isHeld { now.nanoseconds += min(maximumGap, instant.nanoseconds - last.nanoseconds) }
        last = instant
    }

    /// When the next reading is due so that `deadline` is not missed, on the system's clock: at most ``maximumGap``
    /// after the last reading.
    package func due(_ deadline: Instant) -> Instant {
        let wait = deadline > now ? deadline.nanoseconds - now.nanoseconds : 0
        return Instant(nanoseconds: last.nanoseconds + min(maximumGap, wait))
    }
}

package import LockstepTimeline

/// A clock for deadlines of others, that counts only the time in which its owner listens.
///
/// Between two readings at most ``maximumGap`` passes, however late the second one comes. An owner that was busy or
/// stopped in between has received nothing, and must not take its own absence for a worker's silence. For the same
/// reason the clock stands still while messages wait to be read.
///
/// It has two time scales: the driver's, in which instants come in and ``due(_:)`` answers, and its own, in which ``now``
/// and all deadlines stand.
package struct ClampedClock: Hashable, Sendable {
    /// Nanoseconds.
    private let maximumGap: UInt64
    /// The last reading, in the driver's time.
    private var last: Instant
    /// The same instant in the clock's own time.
    package private(set) var now: Instant
    /// Whether the clock stands still.
    package var isHeld = false

    /// - Parameters:
    ///   - maximumGap: The most seconds that count between two readings.
    ///   - now: The present instant.
    package init(maximumGap: Double, now: Instant) {
        self.maximumGap = Instant(nanoseconds: 0).advanced(bySeconds: maximumGap).nanoseconds
        self.last = now
        self.now = now
    }

    /// Reads the driver's clock. Time that seems to run backwards does not count.
    package mutating func advance(to instant: Instant) {
        guard instant > last else { return }
        if !isHeld { now.nanoseconds += min(maximumGap, instant.nanoseconds - last.nanoseconds) }
        last = instant
    }

    /// When the next reading is due so that `deadline` is not missed, in the driver's time; never later than
    /// ``maximumGap`` after the last one.
    package func due(_ deadline: Instant) -> Instant {
        let wait = deadline > now ? deadline.nanoseconds - now.nanoseconds : 0
        return Instant(nanoseconds: last.nanoseconds + min(maximumGap, wait))
    }
}

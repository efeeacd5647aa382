package import LockstepTimeline

/// A clock that runs while its owner listens.
///
/// Between two looks at it at most `patience` passes, however late the second one comes: whoever was busy or stopped
/// meanwhile has heard nothing, and must not hold it against those who spoke. For the same reason it stands still while
/// messages lie unread.
package struct ListeningClock: Hashable, Sendable {
    private let patience: UInt64
    /// The last look, in the time of whoever drives the machine.
    private var last: Instant
    /// The same instant in the time that counts.
    package private(set) var now: Instant
    /// Whether the clock stands still.
    package var isHeld = false

    package init(patience: Double, now: Instant) {
        self.patience = Instant(nanoseconds: 0).advanced(bySeconds: patience).nanoseconds
        self.last = now
        self.now = now
    }

    /// Looks at the clock. Time that seems to run backwards does not count.
    package mutating func advance(to instant: Instant) {
        guard instant > last else { return }
        if !isHeld { now.nanoseconds += min(patience, instant.nanoseconds - last.nanoseconds) }
        last = instant
    }

    /// When the next look is due so that `deadline` is not missed: in the driver's time, and never later than what
    /// counts between two looks.
    package func due(_ deadline: Instant) -> Instant {
        let wait = deadline > now ? deadline.nanoseconds - now.nanoseconds : 0
        return Instant(nanoseconds: last.nanoseconds + min(patience, wait))
    }
}

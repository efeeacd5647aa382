/// A clock that runs while its owner listens.
///
/// Between two looks at it at most `patience` passes, however late the second one comes: whoever was busy or stopped
/// meanwhile has heard nothing, and must not hold it against those who spoke. For the same reason it stands still while
/// messages lie unread.
package struct ListeningClock: Hashable, Sendable {
    private let patience: UInt64
    /// The last look, in the time of whoever drives the machine.
    private var last: Moment
    /// The same moment in the time that counts.
    package private(set) var now: Moment
    /// Whether the clock stands still.
    package var isHeld = false

    package init(patience: Double, now: Moment) {
        self.patience = Moment(nanoseconds: 0).advanced(bySeconds: patience).nanoseconds
        self.last = now
        self.now = now
    }

    /// Looks at the clock. Time that seems to run backwards does not count.
    package mutating func advance(to moment: Moment) {
        guard moment > last else { return }
        if !isHeld { now.nanoseconds += min(patience, moment.nanoseconds - last.nanoseconds) }
        last = moment
    }

    /// When the next look is due so that `deadline` is not missed: in the driver's time, and never later than what
    /// counts between two looks.
    package func due(_ deadline: Moment) -> Moment {
        let wait = deadline > now ? deadline.nanoseconds - now.nanoseconds : 0
        return Moment(nanoseconds: last.nanoseconds + min(patience, wait))
    }
}

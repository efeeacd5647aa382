/// The instant by which a call has to return, or no limit.
package struct Deadline: Equatable, Sendable {
    /// Nil: no limit.
    package let instant: Instant?

    package init(_ instant: Instant?) {
        self.instant = instant
    }

    /// No limit.
    package static let never = Deadline(nil)

    /// A deadline `duration` from now.
    package static func after(_ duration: Duration) -> Deadline {
        Deadline(Instant.now.advanced(by: duration))
    }

    /// Whether the deadline has passed at this instant.
    package func hasPassed(at now: Instant) -> Bool {
        instant.map { $0 <= now } ?? false
    }

    /// The remaining milliseconds, for poll(2): -1 without a limit, 0 after the deadline. They are rounded up, so a
    /// wait of this length reaches the deadline.
    package func remainingMilliseconds(at now: Instant) -> Int32 {
        guard let instant else { return -1 }
        guard instant > now else { return 0 }
        let left = instant.nanoseconds - now.nanoseconds
        return Int32(clamping: left / 1_000_000 + (left % 1_000_000 == 0 ? 0 : 1))
    }

    /// The deadline that passes first.
    package static func earlier(_ left: Deadline, _ right: Deadline) -> Deadline {
        guard let first = left.instant else { return right }
        guard let second = right.instant else { return left }
        return Deadline(min(first, second))
    }
}

/// A point in time of a monotonic clock, in nanoseconds since that clock's start: the kernel's, or a simulated one.
/// Comparable on one host only.
package struct Instant: Hashable, Comparable, Sendable {
    package var nanoseconds: UInt64

    package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The instant `duration` later, or the last one there is. A negative duration counts as none.
    package func advanced(by duration: Duration) -> Instant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return Instant(nanoseconds: overflow ? .max : sum)
    }

    /// The instant `seconds` later; never earlier, however large or wrong the number.
    package func advanced(bySeconds seconds: Double) -> Instant {
        let limited = min(max(0, seconds), 1e9)
        return Instant(nanoseconds: nanoseconds &+ UInt64(limited * 1e9))
    }

    /// The time from `earlier` until this instant; zero where `earlier` is later.
    package func since(_ earlier: Instant) -> Duration {
        nanoseconds > earlier.nanoseconds ? .nanoseconds(nanoseconds - earlier.nanoseconds) : .zero
    }

    /// The earlier of two instants, of which each may be absent.
    package static func earlier(_ left: Instant?, _ right: Instant?) -> Instant? {
        guard let left, let right else { return left ?? right }
        return min(left, right)
    }
}

extension Duration {
    /// Nanoseconds, rounded down and clamped to what fits.
    fileprivate var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carried) = product.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
        return overflow || carried ? .max : sum
    }
}

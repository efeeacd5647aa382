import Glibc

/// A point in time of a monotonic clock, the kernel's or a simulated one, in nanoseconds since the clock's start.
///
/// Instants of different hosts cannot be compared.
package struct Instant: Hashable, Comparable, Sendable {
    package var nanoseconds: UInt64

    package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// The current instant of this host's monotonic clock, which neither users nor time servers can set.
    package static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The instant `duration` later, at most the largest instant. A negative duration counts as zero.
    package func advanced(by duration: Duration) -> Instant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return Instant(nanoseconds: overflow ? .max : sum)
    }

    /// The instant `seconds` later; the seconds are clamped to 0...1e9, so the result is never earlier.
    package func advanced(bySeconds seconds: Double) -> Instant {
        let limited = min(max(0, seconds), 1e9)
        return Instant(nanoseconds: nanoseconds &+ UInt64(limited * 1e9))
    }

    /// The time from `earlier` to this instant; zero if `earlier` is later.
    package func since(_ earlier: Instant) -> Duration {
        nanoseconds > earlier.nanoseconds ? .nanoseconds(nanoseconds - earlier.nanoseconds) : .zero
    }

    /// The seconds from `earlier` to this instant; zero if `earlier` is later.
    package func seconds(since earlier: Instant) -> Double {
        nanoseconds > earlier.nanoseconds ? Double(nanoseconds - earlier.nanoseconds) * 1e-9 : 0
    }

    /// The earlier of two instants; an absent instant counts as never.
    package static func earlier(_ left: Instant?, _ right: Instant?) -> Instant? {
        guard let left, let right else { return left ?? right }
        return min(left, right)
    }
}

extension Duration {
    /// Whole nanoseconds, rounded down and clamped to UInt64.
    fileprivate var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carried) = product.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
        return overflow || carried ? .max : sum
    }
}

import Glibc

/// A moment since the machine started, in nanoseconds. Comparable on one host only.
package struct Instant: Hashable, Comparable, Sendable {
    package var nanoseconds: UInt64

    package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The moment so much later, or the last one there is. A negative duration counts as none.
    package func advanced(by duration: Duration) -> Instant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return Instant(nanoseconds: overflow ? .max : sum)
    }

    /// The time from `earlier` until this moment; zero where `earlier` is later.
    package func since(_ earlier: Instant) -> Duration {
        nanoseconds > earlier.nanoseconds ? .nanoseconds(nanoseconds - earlier.nanoseconds) : .zero
    }
}

/// The clock that neither a user nor a time server sets.
package enum MonotonicClock {
    /// This moment.
    package static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }
}

/// The moment until which something may take, if there is a limit.
package struct Deadline: Equatable, Sendable {
    /// Nil: no limit.
    package let instant: Instant?

    package init(_ instant: Instant?) {
        self.instant = instant
    }

    /// No limit.
    package static let never = Deadline(nil)

    /// So long from now on.
    package static func after(_ duration: Duration) -> Deadline {
        Deadline(MonotonicClock.now.advanced(by: duration))
    }

    package func hasPassed(at now: Instant) -> Bool {
        instant.map { $0 <= now } ?? false
    }

    /// Milliseconds that are left, for poll(2): -1 without a limit, 0 once it has passed, and otherwise rounded up, so
    /// that a wait of so long reaches the deadline.
    package func remainingMilliseconds(at now: Instant) -> Int32 {
        guard let instant else { return -1 }
        guard instant > now else { return 0 }
        let left = instant.nanoseconds - now.nanoseconds
        return Int32(clamping: left / 1_000_000 + (left % 1_000_000 == 0 ? 0 : 1))
    }

    /// The one that passes first.
    package static func earlier(_ left: Deadline, _ right: Deadline) -> Deadline {
        guard let first = left.instant else { return right }
        guard let second = right.instant else { return left }
        return Deadline(min(first, second))
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

/// Time that a processor has spent on this process: what others took does not count.
package enum ProcessorClock {
    /// Seconds of the calling thread so far.
    package static var threadSeconds: Double { seconds(CLOCK_THREAD_CPUTIME_ID) }

    /// Seconds of all threads of this process so far.
    package static var processSeconds: Double { seconds(CLOCK_PROCESS_CPUTIME_ID) }

    private static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

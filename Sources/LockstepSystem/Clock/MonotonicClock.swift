import Glibc
package import LockstepTimeline

/// The clock that neither a user nor a time server sets.
package enum MonotonicClock {
    /// This instant.
    package static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }
}

extension Instant {
    /// This instant, by ``MonotonicClock``.
    package static var now: Instant { MonotonicClock.now }
}

/// The instant by which a call must return, if there is a limit.
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

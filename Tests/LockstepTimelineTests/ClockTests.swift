import LockstepTimeline
import Testing

@Suite("Instants and deadlines")
struct ClockTests {
    @Test("Instants are ordered, and distant ones do not overflow")
    func instants() {
        let first = Instant.now
        let second = Instant.now
        #expect(first <= second)
        #expect(Instant(nanoseconds: 7).advanced(by: .nanoseconds(5)) == Instant(nanoseconds: 12))
        #expect(Instant(nanoseconds: 7).advanced(by: .seconds(-5)) == Instant(nanoseconds: 7))
        #expect(Instant(nanoseconds: 7).advanced(by: .seconds(Int64.max)) == Instant(nanoseconds: .max))
        #expect(Instant(nanoseconds: 12).since(Instant(nanoseconds: 7)) == .nanoseconds(5))
        #expect(Instant(nanoseconds: 7).since(Instant(nanoseconds: 12)) == .zero)
    }

    @Test("The time until a deadline is rounded up to milliseconds, for poll")
    func deadlines() {
        let deadline = Deadline(Instant(nanoseconds: 5_000_001))
        #expect(deadline.remainingMilliseconds(at: Instant(nanoseconds: 0)) == 6)
        #expect(deadline.remainingMilliseconds(at: Instant(nanoseconds: 1)) == 5)
        #expect(deadline.remainingMilliseconds(at: Instant(nanoseconds: 5_000_000)) == 1)
        #expect(deadline.remainingMilliseconds(at: Instant(nanoseconds: 5_000_001)) == 0)
        #expect(deadline.hasPassed(at: Instant(nanoseconds: 5_000_001)))
        #expect(!deadline.hasPassed(at: Instant(nanoseconds: 5_000_000)))
        #expect(Deadline.never.remainingMilliseconds(at: Instant.now) == -1)
        #expect(!Deadline.never.hasPassed(at: Instant(nanoseconds: .max)))
        #expect(Deadline(Instant(nanoseconds: .max)).remainingMilliseconds(at: Instant(nanoseconds: 0)) == .max)
        #expect(Deadline.earlier(deadline, .never) == deadline)
        #expect(Deadline.earlier(Deadline(Instant(nanoseconds: 3)), deadline) == Deadline(Instant(nanoseconds: 3)))
    }
}

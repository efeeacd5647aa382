import LockstepCluster
import LockstepTimeline
import Testing

@Suite("A clock that counts only the time in which its owner listens")
struct ClampedClockTests {
    private func instant(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }

    @Test("A long gap counts as one second, and time never runs backwards")
    func gap() {
        var clock = ClampedClock(maximumGap: 1, now: instant(100))
        clock.advance(to: instant(100.5))
        #expect(clock.now == instant(100.5))
        clock.advance(to: instant(500))
        #expect(clock.now == instant(101.5))
        clock.advance(to: instant(400))
        #expect(clock.now == instant(101.5))
    }

    @Test("While it is held no time passes, and what passed meanwhile never counts")
    func held() {
        var clock = ClampedClock(maximumGap: 1, now: instant(100))
        clock.advance(to: instant(100.5))
        clock.isHeld = true
        clock.advance(to: instant(101))
        clock.advance(to: instant(101.25))
        #expect(clock.now == instant(100.5))
        #expect(clock.due(instant(100.75)) == instant(101.5))
        clock.isHeld = false
        clock.advance(to: instant(101.5))
        #expect(clock.now == instant(100.75))
    }

    @Test("The next reading is due at the deadline, but within a second, in the driver's time")
    func due() {
        var clock = ClampedClock(maximumGap: 1, now: instant(100))
        clock.advance(to: instant(500))
        #expect(clock.due(instant(101.25)) == instant(500.25))
        #expect(clock.due(instant(130)) == instant(501))
        #expect(clock.due(instant(50)) == instant(500))
    }
}

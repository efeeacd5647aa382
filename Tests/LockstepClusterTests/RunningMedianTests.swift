import LockstepCluster
import LockstepTesting
import LockstepTimeline
import Testing

@Suite("The median of the last steps")
struct RunningMedianTests {
    @Test("It is the lower middle one of the measurements of the last steps, as sorting them all shows")
    func againstSorting() {
        var random = SplitMix64(seed: 7)
        var median = RunningMedian(window: 8, capacity: 20)
        var all: [(step: UInt64, value: Double)] = []
        #expect(median.value == nil)
        for step in UInt64(0)..<300 {
            if step == 150 { median = RunningMedian(window: 8, capacity: 20); all = [] }
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let value = Double(Int.random(in: 0...9, using: &random))
                median.add(value, step: step)
                all.append((step, value))
                let counted = all.filter { $0.step + 8 > step }.suffix(20).map(\.value).sorted()
                #expect(median.value == counted[(counted.count - 1) / 2])
            }
        }
    }
}

@Suite("A clock that runs while its owner listens")
struct ListeningClockTests {
    private func instant(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }

    @Test("A long absence counts as one second, and time never runs backwards")
    func absence() {
        var clock = ListeningClock(patience: 1, now: instant(100))
        clock.advance(to: instant(100.5))
        #expect(clock.now == instant(100.5))
        clock.advance(to: instant(500))
        #expect(clock.now == instant(101.5))
        clock.advance(to: instant(400))
        #expect(clock.now == instant(101.5))
    }

    @Test("While it is held no time passes, and what passed meanwhile never counts")
    func held() {
        var clock = ListeningClock(patience: 1, now: instant(100))
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

    @Test("The next look is due at the deadline, but within a second, in the driver's time")
    func due() {
        var clock = ListeningClock(patience: 1, now: instant(100))
        clock.advance(to: instant(500))
        #expect(clock.due(instant(101.25)) == instant(500.25))
        #expect(clock.due(instant(130)) == instant(501))
        #expect(clock.due(instant(50)) == instant(500))
    }
}

@Suite("Replacements of dead processes")
struct ReplacementsTests {
    private func instant(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }

    @Test("The pause doubles with every young death up to its limit, and is short again after a long life")
    func pauses() {
        var replacements = Replacements(places: 2, limit: nil, deadlines: Deadlines(), now: instant(0))
        var pauses: [Double] = []
        var now = 0.0
        for _ in 0..<10 {
            guard case .replaced(let pause, _, nil) = replacements.ended(0, .died, now: instant(now)) else { return }
            pauses.append(pause)
            #expect(replacements.takeDue(now: instant(now + pause - 0.01)).isEmpty)
            now += pause + 0.01
            #expect(replacements.takeDue(now: instant(now)) == [0])
            #expect(replacements.nextDue == nil)
        }
        #expect(pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30])
        #expect(
            replacements.ended(0, .died, now: instant(now + 61))
                == .replaced(afterSeconds: 0.2, count: 11, limit: nil))
        #expect(
            replacements.ended(1, .died, now: instant(now + 61))
                == .replaced(afterSeconds: 0.2, count: 12, limit: nil))
    }

    @Test("A limit ends it, and whoever left is not replaced")
    func limit() {
        var replacements = Replacements(places: 1, limit: 1, deadlines: Deadlines(), now: instant(0))
        #expect(replacements.ended(0, .left, now: instant(1)) == .none)
        #expect(replacements.ended(0, .died, now: instant(1)) == .replaced(afterSeconds: 0.2, count: 1, limit: 1))
        #expect(replacements.ended(0, .died, now: instant(2)) == .exhausted(limit: 1))
        #expect(replacements.count == 1)
    }
}

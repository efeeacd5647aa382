import LockstepCluster
import LockstepSystem
import LockstepTimeline
import Testing

@testable import LockstepRuntime

/// A process whose threads wait for cores for times that the test sets.
private final class SimulatedProcess {
    var waits = CoreWaits(nanoseconds: 5_000_000, count: 100)
    var now = Instant(nanoseconds: 7)
    /// The policies that were applied, in order; true: batch scheduling.
    var applied: [Bool] = []

    func makePolicy() throws -> SchedulingPolicy {
        try #require(SchedulingPolicy(now: now, waits: { self.waits }, apply: { self.applied.append($0) }))
    }

    /// Lets time pass in which threads get a core `count` times, each after `wait` nanoseconds, and checks the policy.
    func advance(
        _ policy: inout SchedulingPolicy, count: UInt64 = 500, wait: UInt64, time: UInt64 = SchedulingPolicy.period
    ) {
        waits.count += count
        waits.nanoseconds += count * wait
        now = Instant(nanoseconds: now.nanoseconds + time)
        policy.check(now: now)
    }
}

@Suite("Scheduling policy")
struct SchedulingPolicyTests {
    private let process = SimulatedProcess()

    @Test("A worker is batch-scheduled from the start, and as long as waits are short")
    func short() throws {
        var policy = try process.makePolicy()
        for _ in 0..<200 { process.advance(&policy, wait: 60_000) }
        #expect(process.applied == [true])
    }

    @Test("Long waits in consecutive checks end batch scheduling for a while, and then it is tried again")
    func long() throws {
        var policy = try process.makePolicy()
        process.advance(&policy, wait: 900_000)
        #expect(process.applied == [true])
        process.advance(&policy, wait: 900_000)
        #expect(process.applied == [true, false])
        // Waits do not matter meanwhile.
        process.advance(&policy, wait: 900_000, time: SchedulingPolicy.retryInterval - 1)
        #expect(process.applied == [true, false])
        process.advance(&policy, wait: 900_000, time: 1)
        #expect(process.applied == [true, false, true])
        process.advance(&policy, wait: 60_000)
        process.advance(&policy, wait: 900_000)
        #expect(process.applied == [true, false, true])
        process.advance(&policy, wait: 900_000)
        #expect(process.applied == [true, false, true, false])
    }

    @Test("A single long period, and a few long waits of a process with little to do, change nothing")
    func singlePeriods() throws {
        var policy = try process.makePolicy()
        for _ in 0..<50 {
            process.advance(&policy, wait: 4_000_000)
            process.advance(&policy, wait: 10_000)
        }
        for _ in 0..<50 { process.advance(&policy, count: 20, wait: 390_000) }
        for _ in 0..<19 { process.advance(&policy, count: 1, wait: 3_000_000) }
        #expect(process.applied == [true])
    }

    @Test("If there is little to do, waits add up to a verdict")
    func rare() throws {
        var policy = try process.makePolicy()
        for _ in 0..<39 { process.advance(&policy, count: 1, wait: 3_000_000) }
        #expect(process.applied == [true])
        process.advance(&policy, count: 1, wait: 3_000_000)
        #expect(process.applied == [true, false])
    }

    @Test("Records that wait long for the thread that they wake end batch scheduling, too")
    func wakeUps() throws {
        var policy = try process.makePolicy()
        var wakeUps = CoreWaits()
        func advance(by seconds: Double = 0.25) {
            process.now = process.now.advanced(bySeconds: seconds)
            wakeUps = wakeUps + CoreWaits(nanoseconds: 30 * 3_000_000, count: 30)
            policy.check(now: process.now, wakeUps: wakeUps)
        }
        advance()
        #expect(process.applied == [true])
        advance()
        #expect(process.applied == [true, false])
        advance(by: 16)
        #expect(process.applied == [true, false, true])
        advance()
        #expect(process.applied == [true, false, true], "wake-ups of the time before do not count")
    }

    @Test("If waits cannot be measured, scheduling stays as it is")
    func unmeasured() {
        #expect(
            SchedulingPolicy(now: process.now, waits: { CoreWaits() }, apply: { process.applied.append($0) }) == nil)
        #expect(process.applied.isEmpty)
    }

    @Test("Early checks do nothing, and their waits count at the next check that is due")
    func early() throws {
        var policy = try process.makePolicy()
        for _ in 0..<7 { process.advance(&policy, wait: 900_000, time: SchedulingPolicy.period / 8) }
        #expect(process.applied == [true])
        process.advance(&policy, wait: 900_000, time: SchedulingPolicy.period / 8)
        process.advance(&policy, wait: 900_000)
        #expect(process.applied == [true, false])
    }

    @Test("A thread that ends, and whose waits no longer count, does not disturb the policy")
    func ended() throws {
        var policy = try process.makePolicy()
        process.waits = CoreWaits(nanoseconds: 1, count: 1)
        process.advance(&policy, count: 0, wait: 0)
        process.advance(&policy, wait: 900_000)
        process.advance(&policy, wait: 900_000)
        #expect(process.applied == [true, false])
    }

    @Test("Each worker gets a core of its own only if there are as many workers as cores")
    func arguments() {
        #expect(
            (0..<2).map { SchedulingPolicy.arguments(place: $0, of: 2, cores: 2) } == [
                ["--core", "0"], ["--core", "1"],
            ])
        #expect(SchedulingPolicy.arguments(place: 0, of: 1, cores: 2).isEmpty)
        #expect(SchedulingPolicy.arguments(place: 2, of: 3, cores: 2).isEmpty)
        #expect(SchedulingPolicy.arguments(place: 0, of: 1, cores: 1).isEmpty)
    }
}

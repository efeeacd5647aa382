import LockstepCluster
import LockstepSystem
import LockstepTimeline
import Testing
import ZeroMQ

@testable import LockstepRuntime

@Suite("Adaptive spinning")
struct AdaptiveSpinTests {
    @Test("It spins once waits have been short for a while, and not after long ones")
    func shortWaits() {
        var spin = AdaptiveSpin()
        #expect(!spin.shouldSpin)
        for _ in 0..<30 { spin.recordWait(100_000) }
        #expect(spin.shouldSpin)
        // One long wait, such as an evaluation, affects only the next few steps.
        spin.recordWait(5_000_000_000)
        #expect(!spin.shouldSpin)
        for _ in 0..<3 { spin.recordWait(100_000) }
        #expect(spin.shouldSpin)
        for _ in 0..<30 { spin.recordWait(3_000_000) }
        #expect(!spin.shouldSpin)
    }

    @Test("If another program computes on the core, the thread sleeps instead of spinning for a while")
    func preemption() {
        var spin = AdaptiveSpin()
        for _ in 0..<60 { spin.recordWait(1_000) }
        spin.recordPreemption(100_000)
        #expect(spin.shouldSpin)
        spin.recordPreemption(3_000_000)
        #expect(!spin.shouldSpin)
        for _ in 0..<499 { spin.recordWait(1_000) }
        #expect(!spin.shouldSpin)
        spin.recordWait(1_000)
        #expect(spin.shouldSpin)
    }

    @Test("A wait ends with a message or at its deadline, whether it spins or sleeps", arguments: [true, false])
    func ending(spins: Bool) throws {
        let context = try Context()
        let left = try context.socket(.pair)
        let right = try context.socket(.pair)
        try left.bind(inproc: "spin")
        try right.connect(inproc: "spin")
        var poller = Poller(context: context)
        let token = poller.add(right)
        var spin = AdaptiveSpin()
        if spins { for _ in 0..<60 { spin.recordWait(0) } }
        #expect(spin.shouldSpin == spins)
        try spin.wait(&poller, until: Instant.now.advanced(bySeconds: 0.002))
        #expect(poller.events(for: token).isEmpty)
        #expect(spin.averageWait > 0)
        try left.send(Message(copying: [1]))
        try spin.wait(&poller, until: nil)
        #expect(poller.events(for: token) == .input)
        try spin.wait(&poller, until: nil, spinning: false)
        #expect(poller.events(for: token) == .input)
    }
}

import LockstepCluster
import LockstepSystem
import LockstepTimeline
import Testing
import ZeroMQ

@testable import LockstepRuntime

@Suite("Adaptive spinning")
struct AdaptiveSpinTests {
    @Test("Looking on is worth it once waits have been short for a while, and is not after long ones")
    func promise() {
        var spin = AdaptiveSpin()
        #expect(!spin.isPromising)
        for _ in 0..<30 { spin.note(100_000) }
        #expect(spin.isPromising)
        // An evaluation now and then changes nothing for more than a few steps.
        spin.note(5_000_000_000)
        #expect(!spin.isPromising)
        for _ in 0..<3 { spin.note(100_000) }
        #expect(spin.isPromising)
        for _ in 0..<30 { spin.note(3_000_000) }
        #expect(!spin.isPromising)
    }

    @Test("Where somebody else computes on the core, waits are slept through for a while")
    func company() {
        var spin = AdaptiveSpin()
        for _ in 0..<60 { spin.note(1_000) }
        spin.noteAbsence(100_000)
        #expect(spin.isPromising)
        spin.noteAbsence(3_000_000)
        #expect(!spin.isPromising)
        for _ in 0..<499 { spin.note(1_000) }
        #expect(!spin.isPromising)
        spin.note(1_000)
        #expect(spin.isPromising)
    }

    @Test("A wait ends with a message or at its deadline, whether it looks or sleeps", arguments: [true, false])
    func ending(looks: Bool) throws {
        let context = try Context()
        let left = try context.socket(.pair)
        let right = try context.socket(.pair)
        try left.bind(inproc: "spin")
        try right.connect(inproc: "spin")
        var poller = Poller(context: context)
        let token = poller.add(right)
        var spin = AdaptiveSpin()
        if looks { for _ in 0..<60 { spin.note(0) } }
        #expect(spin.isPromising == looks)
        try spin.wait(&poller, until: Instant.now.advanced(bySeconds: 0.002))
        #expect(poller.events(for: token).isEmpty)
        #expect(spin.usual > 0)
        try left.send(Message(copying: [1]))
        try spin.wait(&poller, until: nil)
        #expect(poller.events(for: token) == .input)
        try spin.wait(&poller, until: nil, looking: false)
        #expect(poller.events(for: token) == .input)
    }
}

import LockstepTimeline
import Testing

@testable import LockstepCluster

@Suite("What a run is doing")
struct RunPhaseTests {
    private static func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }

    /// Starts at 0 s, with 60 s for two workers to come and 20 s for one to come back.
    private var phase: RunPhase {
        var configuration = ClusterFixture.configuration()
        configuration.minimumWorkers = 2
        (configuration.deadlines.start, configuration.deadlines.rejoin) = (60, 20)
        return RunPhase(configuration: configuration, now: Self.at(0))
    }

    @Test("A run gathers until work begins, however many have joined, and fails when the time for that is over")
    func gathering() {
        var phase = phase
        phase.workerJoined()
        #expect(phase.stage == .gathering && phase.deadline == Self.at(60))
        #expect(phase.beginWaiting(now: Self.at(1)) == nil)
        #expect(phase.failure(joined: 1, now: Self.at(59.9)) == nil)
        #expect(phase.failure(joined: 1, now: Self.at(60)) == .tooFewWorkers(joined: 1, needed: 2, seconds: 60))
        phase.beginWork()
        #expect(phase.stage == .running && phase.deadline == nil)
        #expect(phase.failure(joined: 0, now: Self.at(1_000)) == nil)
    }

    @Test("It waits once for a worker to come back, and runs again when one has")
    func waiting() {
        var phase = phase
        phase.beginWork()
        #expect(phase.beginWaiting(now: Self.at(100)) == 20)
        #expect(phase.beginWaiting(now: Self.at(101)) == nil, "it waits already")
        phase.beginWork()
        #expect(phase.stage == .waiting && phase.deadline == Self.at(120), "a step alone does not end the wait")
        #expect(phase.failure(joined: 0, now: Self.at(119)) == nil)
        #expect(phase.failure(joined: 0, now: Self.at(120)) == .noWorkersLeft(seconds: 20))
        phase.workerJoined()
        #expect(phase.stage == .running && phase.failure(joined: 1, now: Self.at(120)) == nil)
    }

    @Test("A run whose last worker was refused for its link fails for that, unless another one has joined since")
    func link() {
        var phase = phase
        phase.beginWork()
        phase.linkBroke("too slow")
        _ = phase.beginWaiting(now: Self.at(0))
        #expect(phase.failure(joined: 0, now: Self.at(20)) == .linkTooSlow(reason: "too slow", seconds: 20))
        phase.workerJoined()
        _ = phase.beginWaiting(now: Self.at(0))
        #expect(phase.failure(joined: 0, now: Self.at(20)) == .noWorkersLeft(seconds: 20))
    }

    @Test("A run that has ended waits for nothing")
    func ended() {
        var phase = phase
        phase.end()
        phase.beginWork()
        phase.workerJoined()
        #expect(phase.beginWaiting(now: Self.at(1)) == nil)
        #expect(phase.stage == .ended && phase.deadline == nil && phase.failure(joined: 0, now: Self.at(99)) == nil)
    }
}

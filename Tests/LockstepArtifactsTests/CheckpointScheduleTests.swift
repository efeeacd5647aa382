import LockstepTimeline
import Testing

@testable import LockstepArtifacts

struct CheckpointScheduleTests {
    private let start = Instant.now

    private func at(_ seconds: Double) -> Instant { start.advanced(by: .seconds(seconds)) }

    /// The first whole tenth of a second at which a state is due.
    private func due(_ schedule: CheckpointSchedule, after seconds: Int) -> Double? {
        (seconds * 10...2000).first { schedule.isDue(at: at(Double($0) / 10)) }.map { Double($0) / 10 }
    }

    @Test("The first state is copied after half a period: the time for writing is not known yet")
    func first() {
        #expect(due(CheckpointSchedule(period: .seconds(30), start: start), after: 0) == 15)
    }

    @Test(
        "A later one is copied early enough to be on the disk within a period, with a quarter of the writing time to spare"
    )
    func lead() {
        var schedule = CheckpointSchedule(period: .seconds(30), start: start)
        schedule.stateWasCopied(at: at(15))
        #expect(due(schedule, after: 15) == 30)
        schedule.stateWasSaved(at: at(19))
        #expect(due(schedule, after: 19) == 40)
    }

    @Test("After a slow write the next ones come early for a while")
    func memory() {
        var schedule = CheckpointSchedule(period: .seconds(30), start: start)
        schedule.stateWasCopied(at: at(15))
        schedule.stateWasSaved(at: at(23))
        #expect(due(schedule, after: 23) == 35)
        schedule.stateWasCopied(at: at(40))
        schedule.stateWasSaved(at: at(41))
        // Seven eighths of the lead of ten seconds.
        #expect(due(schedule, after: 41) == 61.3)
    }

    @Test("With any disk, at least half a period is between two states")
    func slow() {
        var schedule = CheckpointSchedule(period: .seconds(30), start: start)
        schedule.stateWasCopied(at: at(15))
        schedule.stateWasSaved(at: at(55))
        schedule.stateWasCopied(at: at(60))
        #expect(due(schedule, after: 60) == 75)
    }

    @Test("Without a period none is due")
    func never() {
        var schedule = CheckpointSchedule(period: nil, start: start)
        schedule.stateWasCopied(at: start)
        schedule.stateWasSaved(at: at(1))
        #expect(due(schedule, after: 0) == nil)
    }
}

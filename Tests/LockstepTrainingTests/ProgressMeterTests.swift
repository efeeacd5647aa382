import LockstepTimeline
import Testing

@testable import LockstepTraining

@Suite("Progress meter")
struct ProgressMeterTests {
    @Test("A report has the steps since the one before, once a period has passed")
    func intervals() throws {
        let start = Instant.now
        var meter = ProgressMeter(start: start)
        meter.add(samples: 10, lossSum: 5)
        let early = meter.report(at: start.advanced(by: ProgressMeter.period - .nanoseconds(1)))
        #expect(early == nil)
        meter.add(samples: 20, lossSum: 1)
        let report = meter.report(at: start.advanced(by: .seconds(2)))
        let first = try #require(report)
        #expect(first.samples == 30 && first.lossSum == 6 && first.seconds == 2)
        let again = meter.report(at: start.advanced(by: .seconds(2)))
        #expect(again == nil)
        meter.add(samples: 1, lossSum: 2)
        let next = meter.report(at: start.advanced(by: .seconds(3)))
        let second = try #require(next)
        #expect(second.samples == 1 && second.lossSum == 2 && second.seconds == 1)
    }
}

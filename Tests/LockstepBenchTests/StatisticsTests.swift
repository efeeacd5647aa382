import LockstepCostModel
import LockstepTesting
import Testing

@testable import LockstepBench

@Suite("Statistics of measurements")
struct StatisticsTests {
    @Test("Quartiles are interpolated between neighbours, whatever the order")
    func quartiles() {
        let statistics = Statistics([4, 1, 3, 2])
        #expect(statistics.median == 2.5 && statistics.lowerQuartile == 1.75 && statistics.upperQuartile == 3.25)
        #expect(statistics.count == 4 && statistics.spread == 0.3)
    }

    @Test("One measurement has no spread, and neither have zeros")
    func one() {
        let one = Statistics([7])
        #expect(one.median == 7 && one.lowerQuartile == 7 && one.upperQuartile == 7 && one.spread == 0)
        #expect(Statistics([0, 0, 0]).spread == 0)
    }

    @Test(
        "The interval of a median leaves out what fair coins show in at most 2.5 % of all cases on either side",
        arguments: [(1, 0), (2, 0), (5, 0), (6, 0), (8, 0), (9, 1), (11, 1), (12, 2), (20, 5), (100, 39)])
    func interval(count: Int, leftOut: Int) {
        var random = SplitMix64(seed: 7)
        let values = (1...count).map(Double.init).shuffled(using: &random)
        #expect(Statistics.medianInterval(values) == Double(1 + leftOut)...Double(count - leftOut))
    }

    @Test("The slope of a line is found, and is 0 where all points have one x")
    func slope() {
        #expect(Statistics.slope(of: [(1, 5), (2, 7), (4, 11)]) == 2)
        #expect(Statistics.slope(of: [(1, 0), (2, 1), (3, 0)]) == 0)
        #expect(Statistics.slope(of: [(3, 5)]) == 0)
        #expect(Statistics.slope(of: [(3, 5), (3, 9)]) == 0)
    }
}

@Suite("Links to predict for")
struct BenchLinkTests {
    @Test(
        "Bandwidth and latency have units",
        arguments: [
            ("1gbit", 125e6, 0), ("100mbit,2ms", 12.5e6, 2e-3), ("10gbit,50us", 1.25e9, 50e-6),
            ("56KBIT,1s", 7e3, 1), ("1.5gbit,0ms", 187.5e6, 0),
        ])
    func units(text: String, bytesPerSecond: Double, latency: Double) throws {
        let link = try #require(BenchLink(text))
        #expect(abs(link.link.bytesPerSecond - bytesPerSecond) < 1e-3 && abs(link.link.latency - latency) < 1e-12)
        #expect(link.text == text)
    }

    @Test(
        "Anything else is no link",
        arguments: ["", "1", "gbit", "0gbit", "-1gbit", "1gbit,", "1gbit,-1ms", "1gbit,1", "1gbit,1ms,1", "nangbit"])
    func none(text: String) {
        #expect(BenchLink(text) == nil)
    }
}

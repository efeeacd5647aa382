import Testing

@testable import LockstepChaos

@Suite("The plan of faults")
struct ChaosPlanTests {
    private static let all = ChaosPlan.Fault.allCases

    @Test("A seed decides about everything, and another seed gives another plan")
    func seeded() {
        let plans = (0..<50).map { ChaosPlan(seed: $0, faults: Self.all, count: 3...9, steps: 10_000) }
        #expect(plans == (0..<50).map { ChaosPlan(seed: $0, faults: Self.all, count: 3...9, steps: 10_000) })
        #expect(Set(plans).count == 50)
    }

    @Test("Plans keep to the numbers and the steps that they are given, in order")
    func limits() {
        for seed in UInt64(0)..<300 {
            let plan = ChaosPlan(seed: seed, faults: [.kill], count: 1...5, steps: 800)
            #expect((1...5).contains(plan.events.count), "seed \(seed)")
            #expect(plan.events.allSatisfy { (1...700).contains($0.step) && $0.fault == .kill }, "seed \(seed)")
            #expect(plan.events.map(\.step) == plan.events.map(\.step).sorted(), "seed \(seed)")
            #expect(plan.events.allSatisfy { (0.02...0.5).contains($0.seconds) }, "seed \(seed)")
        }
        let counts = Set(
            (UInt64(0)..<300).map { ChaosPlan(seed: $0, faults: [.kill], count: 1...5, steps: 800).events.count })
        #expect(counts == [1, 2, 3, 4, 5])
    }

    @Test("Every kind occurs as often as the others, give or take one")
    func kinds() {
        for seed in UInt64(0)..<100 {
            let plan = ChaosPlan(seed: seed, faults: Self.all, count: 13...40, steps: 5_000)
            let counts = Self.all.map { fault in plan.events.count { $0.fault == fault } }
            #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1, "seed \(seed): \(counts)")
            #expect(counts.allSatisfy { $0 >= 1 }, "seed \(seed): \(counts)")
        }
    }

    @Test("Stops and partitions are now shorter, now longer than the heartbeat's timeout, and end in both ways")
    func variety() {
        let plans = (UInt64(0)..<100).map {
            ChaosPlan(seed: $0, faults: [.stop, .partition, .coordinator], count: 6...6, steps: 5_000)
        }
        for fault in [ChaosPlan.Fault.stop, .partition] {
            let events = plans.flatMap(\.events).filter { $0.fault == fault }
            #expect(events.count == 200)
            let long = events.count { $0.seconds > 3 }
            #expect((40...100).contains(long), "\(long) of 200 are long")
            #expect(events.allSatisfy { $0.seconds <= 5 })
        }
        let partitions = plans.flatMap(\.events).filter { $0.fault == .partition }
        #expect((60...140).contains(partitions.count(where: \.isHarsh)))
    }

    @Test("In a series, every other coordinator comes back with another number of workers")
    func coordinators() {
        let plans = (UInt64(7)..<27).map { ChaosPlan(seed: $0, faults: [.coordinator], count: 1...1, steps: 5_000) }
        #expect(plans.flatMap(\.events).count(where: \.isHarsh) == 10)
    }

    @Test("A run without steps, or of one, has a plan too")
    func tiny() {
        for steps in UInt64(0)...2 {
            let plan = ChaosPlan(seed: 1, faults: Self.all, count: 10...10, steps: steps)
            #expect(plan.events.count == 10 && plan.events.allSatisfy { (1...2).contains($0.step) })
        }
    }
}

@Suite("The result of a series")
struct ChaosResultTests {
    @Test("A percentile is the smallest value that so many are not above")
    func percentiles() throws {
        let gap = try #require(ChaosResult.Gap((1...200).shuffled().map(Double.init)))
        #expect(gap.median == 100 && gap.p99 == 198 && gap.maximum == 200)
        let one = try #require(ChaosResult.Gap([7]))
        #expect(one.median == 7 && one.p99 == 7)
        #expect(ChaosResult.Gap([]) == nil)
    }
}

import LockstepTraining
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite("Learning rate schedules")
struct LearningRateTests {
    @Test("a constant rate stays")
    func constant() {
        #expect(rates(.constant) == Array(repeating: 0.2, count: 60))
    }

    @Test("steps fall by the factor after so many epochs")
    func step() {
        let expected = (0..<60).map { 0.2 * [1, 0.5, 0.25][$0 / 20] }
        #expect(rates(.step(every: 2, factor: 0.5)) == expected)
    }

    @Test("a factor of 0 ends it", .timeLimit(.minutes(1)))
    func underflow() {
        let rate = LearningRate(peak: 1, schedule: .step(every: 1, factor: 0.5), stepsPerEpoch: 1, epochs: 1)
        #expect(rate.value(at: .max) == 0)
    }

    @Test("the cosine rises evenly and falls along half a wave", arguments: [(0.0, 0.0), (0.25, 0.1)])
    func cosine(warmUp: Double, final: Double) {
        let rates = rates(.cosine(warmUp: warmUp, final: final))
        let rising = Int(60 * warmUp)
        for (t, rate) in rates.enumerated() {
            let expected =
                t < rising
                ? 0.2 * Double(t + 1) / Double(rising + 1)
                : 0.2 * (final + (1 - final) * (1 + cos(.pi * Double(t - rising) / Double(60 - rising))) / 2)
            #expect(abs(rate - expected) < 1e-15, "step \(t)")
        }
        #expect(rates.max() == 0.2)
    }

    @Test("one cycle equals PyTorch's OneCycleLR")
    func oneCycle() {
        // OneCycleLR(max_lr=0.2, total_steps=60, pct_start=0.5, div_factor=4, final_div_factor=5), which peaks at step
        // 0.5 · 60 - 1: one step earlier than a warm-up of exactly 0.5 · 60 steps does.
        let rates = rates(.oneCycle(warmUp: 29.0 / 60, initial: 0.25, final: 0.05))
        for (t, rate) in rates.enumerated() {
            func ease(_ from: Double, _ to: Double, _ share: Double) -> Double {
                to + (from - to) / 2 * (1 + cos(.pi * share))
            }
            let expected = t <= 29 ? ease(0.05, 0.2, Double(t) / 29) : ease(0.2, 0.01, Double(t - 29) / 30)
            #expect(abs(rate - expected) < 1e-15, "step \(t)")
        }
        #expect(abs(rates[59] - 0.01) < 1e-15)
    }

    @Test("A plateau is so many evaluations in a row without a better one, and then the next one begins")
    func plateaus() {
        func plateaus(_ minimumLength: Int, _ counts: [Double]) -> [Int] {
            var detector = PlateauDetector(minimumLength: minimumLength)
            return counts.map {
                detector.add($0)
                return detector.count
            }
        }
        #expect(plateaus(1, [0, 0, 5, 5, 6, 4]) == [0, 1, 1, 2, 2, 3])
        #expect(plateaus(2, [5, 4, 5, 3, 6, 6, 6, 6, 6, 7]) == [0, 0, 1, 1, 1, 1, 2, 2, 3, 3])
        #expect(plateaus(3, [9, 9, 9, 9, 8, 9, 9, 10, 1, 1, 1]) == [0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3])
    }

    @Test("on a plateau the rate falls by the factor, not below the minimum, and evaluations alone decide")
    func plateau() {
        func rates(_ schedule: ScheduleConfiguration, _ counts: [Double]) -> [Double] {
            let rate = LearningRate(peak: 0.2, schedule: schedule, stepsPerEpoch: 10, epochs: 6)
            for _ in 0..<2 {
                rate.reset()
                #expect(rate.value(at: 0) == 0.2 && rate.value(at: 1_000_000) == 0.2)
                for count in counts.dropLast() { rate.add(count) }
            }
            return counts.suffix(1).map {
                rate.add($0)
                return rate.value(at: 7)
            }
        }
        let schedule = ScheduleConfiguration.reduceOnPlateau(factor: 0.5, plateau: 2, minimum: 0.2)
        #expect(rates(schedule, [5, 4]) == [0.2])
        #expect(rates(schedule, [5, 4, 4]) == [0.1])
        #expect(rates(schedule, [5, 4, 4, 3]) == [0.1])
        #expect(rates(schedule, [5, 4, 4, 3, 6]) == [0.1])
        #expect(rates(schedule, [5, 4, 4, 3, 3]) == [0.05])
        #expect(rates(schedule, [5] + Array(repeating: 4, count: 100)) == [0.2 * 0.2])
        #expect(rates(.reduceOnPlateau(factor: 0, plateau: 1), [5, 5]) == [0])
        #expect(rates(.reduceOnPlateau(), Array(repeating: 1, count: 11)) == [0.2 * 0.1])
        #expect(rates(.constant, [5, 4, 3, 2, 1, 0]) == [0.2])
    }

    @Test("runs of no epochs and of one step have rates too", arguments: [0, 1])
    func short(epochs: Int) {
        for schedule in [ScheduleConfiguration.cosine(warmUp: 0.5), .oneCycle(), .oneCycle(warmUp: 0)] {
            let rate = LearningRate(peak: 1, schedule: schedule, stepsPerEpoch: 1, epochs: epochs)
            #expect((0...1).contains(rate.value(at: 0)))
            #expect((0...1).contains(rate.value(at: 1)))
        }
    }

    @Test("schedules that span the run say so")
    func spansRun() {
        #expect(!ScheduleConfiguration.constant.spansRun)
        #expect(!ScheduleConfiguration.step(every: 1, factor: 0.5).spansRun)
        #expect(!ScheduleConfiguration.reduceOnPlateau().spansRun)
        #expect(ScheduleConfiguration.reduceOnPlateau().followsValidation)
        #expect(!ScheduleConfiguration.cosine().followsValidation)
        #expect(ScheduleConfiguration.cosine().spansRun)
        #expect(ScheduleConfiguration.oneCycle().spansRun)
    }

    /// The rates of a run of 6 epochs of 10 steps.
    private func rates(_ schedule: ScheduleConfiguration) -> [Double] {
        let rate = LearningRate(peak: 0.2, schedule: schedule, stepsPerEpoch: 10, epochs: 6)
        return (0..<60).map { rate.value(at: UInt64($0)) }
    }
}

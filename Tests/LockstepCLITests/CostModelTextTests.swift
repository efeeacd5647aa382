import LockstepCluster
import LockstepCostModel
import Testing

@testable import LockstepCLI

@Suite("Texts about the cost model")
struct CostModelTextTests {
    /// A machine of round numbers: 10 us a call and 1 us a sample, on two cores that slow each other down by a fifth.
    private static let model = CostModel(
        compute: .init(fixed: 10e-6, each: 1e-6), addition: 4e-6, update: 6e-6,
        messages: .init(fixed: 100e-6, each: 20e-6), parameterBytes: 95_440, lastSegmentShare: 0.99, cores: 2,
        contention: 1.2)

    private static func prediction(
        batch: Int, shards: Int = 2, workers: Int = 2, limit: Int = 50_000, load: MachineLoad = .idle(cores: 2)
    ) -> StepPrediction {
        model.prediction(batch: batch, shards: shards, workers: workers, limit: limit, load: load)
    }

    @Test("The prediction is one line that names the mini-batch from which workers are faster")
    func prediction() {
        let line = Self.prediction(batch: 10).text
        #expect(
            line == "2 workers, 95 KB a step: about 0.168 ms, of which 0.018 ms compute; one process: 0.026 ms; "
                + "2 workers are faster than one process from about 370 samples")
        let large = Self.prediction(batch: 10_000).text
        #expect(large.hasSuffix("; one process: 10.0 ms; 1.63 x as fast"))
        let small = Self.prediction(batch: 10, limit: 100).text
        #expect(small.hasSuffix("; 2 workers are slower than one process at every mini-batch"))
        let single = Self.prediction(batch: 10, shards: 1, workers: 1, limit: 100).text
        #expect(
            single.hasPrefix("1 worker, ") && single.hasSuffix("; one worker computes as fast as one process at best"))
    }

    @Test("On a busy machine it promises no speedup")
    func busy() {
        let disturbed = Self.prediction(batch: 10_000, load: MachineLoad(usedByOthers: 1, cores: 2))
        #expect(
            disturbed.text == "2 workers, 95 KB a step: about 6.16 ms, of which 6.01 ms compute; one process: 10.0 ms; "
                + "this machine is busy (other programs use 1.0 of its 2 cores): figures may be off by 2 x")
        let starved = Self.prediction(batch: 10, load: MachineLoad(usedByOthers: nil, threadShare: 0.3, cores: 2))
        #expect(starved.text.hasSuffix("; this machine is busy: figures may be off by 4 x"))
    }

    private static func outcome(
        batch: Int = 10_000, load: MachineLoad = .idle(cores: 2), workers: Int? = 2, step: Double,
        loadDuring: MachineLoad? = .idle(cores: 2)
    ) -> String {
        ForecastOutcome(
            forecast: prediction(batch: batch, load: load), workers: workers, step: step, load: loadDuring
        ).text(configuration: "a.yaml")
    }

    private static let start =
        "Forecast for 2 workers: 6.16 ms a step, 1.63 x as fast as one process (10.0 ms); outcome: "

    @Test("The last line of a run sets the forecast beside what came")
    func outcomes() {
        #expect(Self.outcome(step: 6.5e-3) == Self.start + "6.50 ms, 1.54 x as fast")
        #expect(Self.outcome(step: 4e-3) == Self.start + "4.00 ms, 2.50 x as fast")
        #expect(Self.outcome(workers: nil, step: 6.5e-3) == Self.start + "6.50 ms, 1.54 x as fast")
        #expect(
            Self.outcome(workers: 1, step: 9.8e-3)
                == Self.start + "9.80 ms, at last on 1 worker, as fast; the forecast promised too much")
        #expect(
            Self.outcome(workers: 0, step: 6.5e-3) == Self.start
                + "6.50 ms, at last by the coordinator alone, 1.54 x as fast")
    }

    @Test("It says so where the forecast promised more than came")
    func disappointment() {
        #expect(Self.outcome(step: 7.5e-3) == Self.start + "7.50 ms, 1.34 x as fast; the forecast promised too much")
        #expect(
            Self.outcome(step: 11e-3) == Self.start + "11.0 ms, slower; the forecast promised too much. To see where "
                + "workers are faster: lockstep bench a.yaml --workers 2")
    }

    @Test("A slowdown that was forecast is none that disappoints, and is never called a speedup")
    func slowdown() {
        let start = "Forecast for 2 workers: 0.168 ms a step, slower than one process (0.026 ms); outcome: "
        let end = ". To see where workers are faster: lockstep bench a.yaml --workers 2"
        #expect(Self.outcome(batch: 10, step: 0.15e-3) == start + "0.150 ms, slower" + end)
        #expect(Self.outcome(batch: 10, step: 0.5e-3) == start + "0.500 ms, slower" + end)
        #expect(Self.outcome(batch: 10, step: 0.02e-3) == start + "0.020 ms, 1.30 x as fast")
    }

    @Test("What other programs used before or during the run stands in it")
    func disturbance() {
        let busy = MachineLoad(usedByOthers: 0.9, cores: 2)
        #expect(
            Self.outcome(step: 11e-3, loadDuring: busy) == Self.start + "11.0 ms, slower; the forecast promised too "
                + "much; other programs used 0.9 of this machine's 2 cores meanwhile. To see where workers are faster: "
                + "lockstep bench a.yaml --workers 2")
        #expect(Self.outcome(step: 6.5e-3, loadDuring: nil) == Self.start + "6.50 ms, 1.54 x as fast")
        #expect(
            Self.outcome(load: busy, step: 11e-3) == "Forecast for 2 workers: 6.16 ms a step, one process 10.0 ms, no "
                + "speedup because this machine was busy; outcome: 11.0 ms")
    }
}

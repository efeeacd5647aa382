import LockstepCostModel
import Testing

@testable import LockstepCLI

@Suite("What the cost model says, in sentences")
struct CostModelWordsTests {
    /// A machine of round numbers: 10 us a call and 1 us a sample, on two cores that slow each other down by a fifth.
    private static let model = CostModel(
        compute: .init(fixed: 10e-6, each: 1e-6), addition: 4e-6, update: 6e-6,
        messages: .init(fixed: 100e-6, each: 20e-6), parameterBytes: 95_440, lastSegmentShare: 0.99, cores: 2,
        contention: 1.2)

    @Test("the prediction is one line that names the mini-batch from which workers pay")
    func prediction() {
        let line = Self.model.prediction(batch: 10, shards: 2, workers: 2, limit: 50_000).text
        #expect(
            line == "2 workers, 95 KB a step: about 0.17 ms, of which 0.018 ms compute; one process: 0.026 ms; "
                + "2 workers pay from mini-batch ~370")
        let large = Self.model.prediction(batch: 10_000, shards: 2, workers: 2, limit: 50_000).text
        #expect(large.hasSuffix("; one process: 10.0 ms; 1.63 x as fast"))
    }

    @Test("the verdict never calls a slowdown a speedup")
    func verdict() {
        let slow = Self.model.verdict(batch: 10, workers: 2, limit: 50_000)
        #expect(
            slow == "at mini-batch 10 a step of 2 workers computes for 0.018 ms, talks for 0.14 ms and adds up for "
                + "0.010 ms: more workers can't help; from mini-batch ~370 2 workers pay")
        let near = Self.model.verdict(batch: 300, workers: 2, limit: 50_000)
        #expect(near.contains(": 2 workers are slower than one process; from mini-batch ~370 2 workers pay"))
        let fast = Self.model.verdict(batch: 10_000, workers: 2, limit: 50_000)
        #expect(fast.hasSuffix(": 1.63 x as fast as one process"))
    }
}

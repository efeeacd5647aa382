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

    @Test("The prediction is one line that names the mini-batch from which workers are faster")
    func prediction() {
        let line = Self.model.prediction(batch: 10, shards: 2, workers: 2, limit: 50_000).text
        #expect(
            line == "2 workers, 95 KB a step: about 0.168 ms, of which 0.018 ms compute; one process: 0.026 ms; "
                + "2 workers are faster than one process from about 370 samples")
        let large = Self.model.prediction(batch: 10_000, shards: 2, workers: 2, limit: 50_000).text
        #expect(large.hasSuffix("; one process: 10.0 ms; 1.63 x as fast"))
        let small = Self.model.prediction(batch: 10, shards: 2, workers: 2, limit: 100).text
        #expect(small.hasSuffix("; 2 workers are slower than one process at every mini-batch"))
        let single = Self.model.prediction(batch: 10, shards: 1, workers: 1, limit: 100).text
        #expect(
            single.hasPrefix("1 worker, ") && single.hasSuffix("; one worker computes as fast as one process at best"))
    }

    @Test("The summary never calls a slowdown a speedup")
    func summary() {
        let slow = Self.model.summary(batch: 10, workers: 2, limit: 50_000)
        #expect(
            slow == "at mini-batch 10, a step of 2 workers takes 0.018 ms to compute, 0.140 ms to communicate and "
                + "0.010 ms to reduce: more workers cannot help; 2 workers are faster from about 370 samples")
        let near = Self.model.summary(batch: 300, workers: 2, limit: 50_000)
        #expect(near.hasSuffix(": 2 workers are slower than one process; 2 workers are faster from about 370 samples"))
        let never = Self.model.summary(batch: 10, workers: 2, limit: 100)
        #expect(never.hasSuffix("; 2 workers are slower at every mini-batch of this data set"))
        let fast = Self.model.summary(batch: 10_000, workers: 2, limit: 50_000)
        #expect(fast.hasSuffix(": 1.63 x as fast as one process"))
    }
}

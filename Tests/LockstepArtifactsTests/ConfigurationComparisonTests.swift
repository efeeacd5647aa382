import LockstepCompute
import LockstepData
import LockstepNetwork
import LockstepTraining
import Testing

import LockstepArtifacts

struct ConfigurationComparisonTests {
    @Test("Intervals, timeouts and epochs may change, and what is left open is the run's")
    func freeKeys() {
        var run = textbook
        run.shards = 4
        run.kernel = .haswell
        var now = textbook
        now.training.epochs = 60
        now.evaluation.every = 0
        now.checkpoint.every = 0.5
        now.timeouts = TimeoutOptions(start: 1, rejoin: 2)
        #expect(ConfigurationFile.changes(from: run, to: now).isEmpty)
        now.shards = 4
        now.kernel = .haswell
        #expect(ConfigurationFile.digest(of: now) == ConfigurationFile.digest(of: run))
    }

    @Test("What else changes is named with both values")
    func changes() {
        var run = textbook
        run.shards = 4
        var now = textbook
        now.network.sizes = [784, 100, 10]
        now.training.batch = 20
        now.optimizer = .sgd(learningRate: 0.5)
        now.shards = 2
        now.data = .named("fashion-mnist")
        let changes = ConfigurationFile.changes(from: run, to: now)
        #expect(
            changes.map(\.description) == [
                "data.name (mnist in the run, fashion-mnist now)",
                "network.sizes ([784, 30, 10] in the run, [784, 100, 10] now)",
                "optimizer.sgd.learning-rate (3.0 in the run, 0.5 now)",
                "shards (4 in the run, 2 now)",
                "training.batch (10 in the run, 20 now)",
            ])
        #expect(ConfigurationFile.digest(of: now) != ConfigurationFile.digest(of: run))
    }
}

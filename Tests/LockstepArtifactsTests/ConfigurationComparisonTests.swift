import LockstepArtifacts
import LockstepCompute
import LockstepData
import LockstepNetwork
import LockstepTraining
import Testing

struct ConfigurationComparisonTests {
    @Test("Intervals, timeouts and epochs may change; shards and kernel that are left out are the run's")
    func freeKeys() {
        var run = textbook
        run.shards = 4
        run.kernel = .avx2
        var now = textbook
        now.training.epochs = 60
        now.evaluation = EvaluationOptions(every: 0, training: 100)
        now.checkpoint.every = 0.5
        now.training.earlyStoppingPlateau = 5
        now.timeouts = TimeoutOptions(start: 1, rejoin: 2)
        #expect(ConfigurationFile.changes(from: run, to: now).isEmpty)
        now.shards = 4
        now.kernel = .avx2
        #expect(ConfigurationFile.digest(of: now) == ConfigurationFile.digest(of: run))
    }

    @Test("Where the learning rate follows evaluations, these may not become rarer or more frequent")
    func followedEvaluations() {
        var run = textbook
        run.schedule = .reduceOnPlateau()
        var now = run
        now.evaluation = EvaluationOptions(every: 2, training: 100)
        #expect(
            ConfigurationFile.changes(from: run, to: now).map(\.description)
                == ["evaluation.every (1 in the run, 2 now)"])
        #expect(ConfigurationFile.digest(of: now) != ConfigurationFile.digest(of: run))
        now.evaluation.every = 1
        #expect(ConfigurationFile.changes(from: run, to: now).isEmpty)
        #expect(ConfigurationFile.digest(of: now) == ConfigurationFile.digest(of: run))
    }

    @Test("The files of the data set may lie elsewhere, but not become other files")
    func moved() {
        var run = textbook
        run.data = .table(TableFiles(path: "a.csv", testPath: "b.csv"))
        var now = run
        now.data = .table(TableFiles(path: "else/where.csv", testPath: "b.csv"))
        #expect(ConfigurationFile.changes(from: run, to: now).isEmpty)
        #expect(
            ConfigurationFile.digestWithoutPaths(of: now) == ConfigurationFile.digestWithoutPaths(of: run))
        #expect(ConfigurationFile.digest(of: now) != ConfigurationFile.digest(of: run))
        now.data = .table(TableFiles(path: "a.csv", label: .last))
        #expect(ConfigurationFile.changes(from: run, to: now).map(\.keyPath) == ["data.label", "data.test-csv"])
    }

    @Test("Other changes are named with both values")
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

    /// Digests that checkpoints of version 0.1.0 hold: a change here makes every run of that version refuse to resume.
    private static let digests = [
        "21a432c43fa195dbd029701b8c79eea8e2641167f968e999f76b6866d6120d3f",
        "c94f5a5e02b7ac676dc760f137ff633e0b167314de422aa8da4f13e50c91e1e3",
        "19319fde1b0318077fb82d3e4f0afd5fcc7aada193b04f0298a85c5beec63b2a",
        "5daff8cf70d1f9aa289a2fce338b419abc00786b33f9111b7c35a947d683ef36",
    ]

    @Test("The digest of a configuration stays what it was, whatever its keys are called now")
    func digests() {
        var all = textbook
        all.name = "a b: \"c\""
        all.data = .table(TableFiles(path: "a.csv", testPath: "b.csv", label: .named("kind"), scale: 16, validation: 5))
        all.network = Architecture(sizes: [4, 3, 2], activation: .leakyReLU, output: .softmax, initializer: .he)
        all.cost = .crossEntropy
        all.optimizer = .adamW(learningRate: 0.001)
        all.schedule = .oneCycle()
        all.regularization.emaDecay = 0.995
        all.augmentation.shift = 2
        all.communicationDataType = .bfloat16
        all.shards = 4
        all.kernel = .avx2
        var idx = textbook
        idx.data = .files(IDXFiles(images: "i", labels: "l", testImages: "ti", testLabels: "tl", validation: 3))
        idx.optimizer = .sgd(learningRate: 1e-5, momentum: 0.9, nesterov: true, weightDecay: 1e-4)
        idx.schedule = .step(every: 3, factor: 0.1)
        var pickle = textbook
        pickle.data = .pickle("mnist.pkl.gz")
        pickle.schedule = .cosine(warmUp: 0.1)
        #expect([textbook, all, idx, pickle].map(ConfigurationFile.digest) == Self.digests)
    }
}

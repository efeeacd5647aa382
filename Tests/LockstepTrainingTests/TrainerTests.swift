import LockstepData
import LockstepDigest
import LockstepModel
import LockstepNumerics
import LockstepSharding
import LockstepTesting
import LockstepTraining
import Testing

@Suite("Trainer")
struct TrainerTests {
    @Test("Nodes in any cut and order, some twice, train to the weights of one process", arguments: 1...8)
    func anySource(_ seed: Int) throws {
        let expected = try train(TrainingCase(epochs: 3))
        let scattered = try train(TrainingCase(epochs: 3)) { ScatteredSource($0, seed: UInt64(seed)) }
        #expect(scattered.outcome.weightsSHA256 == expected.outcome.weightsSHA256, "seed \(seed)")
        #expect(scattered.outcome.epochs.map(\.meanTrainingLoss) == expected.outcome.epochs.map(\.meanTrainingLoss))
        #expect(scattered.outcome.epochs.map(\.test) == expected.outcome.epochs.map(\.test))
    }

    @Test("Each epoch trains on all samples, with the short last mini-batch, and is reported")
    func epochs() throws {
        let result = try train(TrainingCase(training: 50, batch: 8, epochs: 3))
        let outcome = result.outcome
        #expect(outcome.steps == 21)
        #expect(outcome.samples == 150)
        #expect(!outcome.interrupted)
        #expect(outcome.epochs.map(\.epoch) == [0, 1, 2])
        #expect(outcome.epochs.map(\.totalSteps) == [7, 14, 21])
        #expect(outcome.epochs.allSatisfy { $0.samples == 50 && $0.test?.total == 30 && $0.validation?.total == 20 })
        #expect(outcome.epochs.last?.weightsSHA256 == outcome.weightsSHA256)
        #expect(Set(outcome.epochs.map(\.weightsSHA256)).count == 3)
        let bytes = UnsafeRawBufferPointer(result.weights.buffer)
        #expect(outcome.weightsSHA256 == SHA256.hash(bytes).hex)
        #expect(result.observer.epochs == outcome.epochs.map(\.weightsSHA256))
    }

    @Test("No epochs: the initial weights, and nothing computed")
    func noEpochs() throws {
        let run = try TrainingCase(epochs: 0)
        let result = try train(run)
        #expect(result.outcome.steps == 0)
        #expect(result.outcome.epochs.isEmpty)
        let initial = try run.initialWeights()
        #expect(Array(result.weights.buffer) == Array(initial.buffer))
    }

    @Test(
        "Every so many epochs and after the last one the network is evaluated",
        arguments: [(0, []), (1, [0, 1, 2, 3, 4]), (2, [1, 3, 4]), (9, [4])])
    func evaluation(_ every: Int, _ expected: [Int]) throws {
        let result = try train(TrainingCase(epochs: 5), every: every)
        #expect(result.outcome.epochs.filter { $0.test != nil }.map(\.epoch) == expected)
        #expect(result.outcome.weightsSHA256 == (try train(TrainingCase(epochs: 5))).outcome.weightsSHA256)
    }

    @Test("The best epoch is the first with the highest validation count")
    func best() throws {
        let epochs = try train(TrainingCase(epochs: 12)).outcome.epochs
        var highest = -1
        for epoch in epochs {
            let correct = epoch.validation?.correct ?? 0
            #expect(epoch.isBest == (correct > highest))
            highest = max(highest, correct)
        }
        #expect(epochs.contains { !$0.isBest })
    }

    @Test("The trainer stops before the next step")
    func stop() throws {
        // It is asked before each of the seven steps of an epoch, and before each of the two blocks of its evaluation.
        let result = try train(TrainingCase(epochs: 3), stopAfter: 7 + 2 + 3)
        #expect(result.outcome.interrupted)
        #expect(result.outcome.steps == 10)
        #expect(result.outcome.epochs.count == 1)
    }

    @Test("The trainer stops before the next block of an evaluation, and reports no part of it", arguments: [0, 1])
    func stopInEvaluation(block: Int) throws {
        let result = try train(TrainingCase(epochs: 3), stopAfter: 7 + block)
        #expect(result.outcome.interrupted)
        #expect(result.outcome.steps == 7)
        #expect(result.outcome.epochs.isEmpty && result.observer.epochs.isEmpty)
    }

    // MARK: -

    private struct Result {
        var outcome: RunOutcome
        var weights: FloatBuffer
        var observer: Recorder
    }

    private func train(
        _ run: TrainingCase, every: Int = 1, stopAfter: Int = .max,
        source: (TrainingCase) -> any GradientSource = { LocalGradientSource($0.computer) }
    ) throws -> Result {
        var configuration = run.configuration
        configuration.evaluation.every = every
        let observer = Recorder()
        var asked = 0
        let shouldStop = {
            asked += 1
            return asked > stopAfter
        }
        let trainer = try Trainer(
            configuration: configuration, schedule: run.schedule, layout: run.layout,
            parameters: VersionedParameters(
                initial: try run.initialWeights(), other: FloatBuffer(count: run.layout.count)),
            source: source(run),
            dependencies: Trainer.Dependencies(observers: [observer], shouldStop: shouldStop) { run.computer })
        let outcome = try trainer.run()
        return Result(outcome: outcome, weights: try #require(observer.final), observer: observer)
    }
}

/// Records the calls of a trainer.
private final class Recorder: RunObserver {
    var epochs: [String] = []
    var final: FloatBuffer?

    func runWillStart(_ run: RunDescription) {}
    func runDidProgress(_ progress: StepProgress) {}

    func epochDidFinish(_ epoch: EpochReport, parameters: FloatBuffer) {
        epochs.append(SHA256.hash(UnsafeRawBufferPointer(parameters.buffer)).hex)
    }

    func runDidFinish(_ outcome: RunOutcome, parameters: FloatBuffer) {
        final = parameters
    }
}

/// Pushes results as a cluster does: nodes cut at random, in any order, some twice, from memory that is reused.
private final class ScatteredSource: GradientSource {
    private let run: TrainingCase
    private let local: LocalGradientSource
    private var random: SplitMix64

    init(_ run: TrainingCase, seed: UInt64) {
        self.run = run
        self.local = LocalGradientSource(run.computer)
        self.random = SplitMix64(seed: seed)
    }

    var workers: Int { 1 }
    var membersPresent: Int { 1 }
    var membership: MembershipCounts { MembershipCounts() }
    func publish(version: UInt64, chunk: Int) {}

    func gradients(
        of batch: Batch, parameters: VersionedParameters, push: (PartialResult) throws -> Void
    ) throws {
        let buffer = FloatBuffer(count: run.layout.count)
        let nodes = batch.tree.randomCover(using: &random)
        for node in nodes + batch.tree.randomCover(using: &random) {
            let loss = run.computer.gradient(
                of: node, in: batch, weights: parameters.current.pointer, into: buffer.pointer
            ) { _ in }
            for chunk in run.layout.chunks.chunks.indices.shuffled(using: &random) {
                let floats = buffer.pointer + run.layout.chunks.chunks[chunk].range.lowerBound
                try push(.gradient(node, chunk: chunk, floats, isStable: false))
            }
            try push(.lossSum(node, loss))
            buffer.buffer.update(repeating: .nan)
        }
    }

    func evaluate(
        _ splits: [Split], parameters: VersionedParameters, shouldStop: @escaping () -> Bool
    ) throws -> [SplitScore]? {
        local.evaluate(splits, parameters: parameters, shouldStop: shouldStop)
    }

    func workerName(of node: NodeID) -> String? { nil }
}

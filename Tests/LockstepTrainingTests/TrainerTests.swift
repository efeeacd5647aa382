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

    @Test(
        "Clipped gradients too: the norm waits for the last chunk, whatever the cut and the order", arguments: 1...4,
        [TrainingOptions(epochs: 3, batch: 8, clipNorm: 0.05), TrainingOptions(epochs: 3, batch: 8, clipValue: 0.01)])
    func anySourceClipped(_ seed: Int, options: TrainingOptions) throws {
        let plain = try train(TrainingCase(epochs: 3))
        let expected = try train(TrainingCase(epochs: 3), options: options)
        let scattered = try train(TrainingCase(epochs: 3), options: options) { ScatteredSource($0, seed: UInt64(seed)) }
        let inPlace = try train(TrainingCase(epochs: 3), options: options) {
            LocalGradientSource($0.computer, inPlace: true)
        }
        #expect(scattered.outcome.weightsSHA256 == expected.outcome.weightsSHA256, "seed \(seed)")
        #expect(inPlace.outcome.weightsSHA256 == expected.outcome.weightsSHA256)
        #expect(expected.outcome.weightsSHA256 != plain.outcome.weightsSHA256)
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

    @Test(
        "Training samples are evaluated as the validation samples are, if they are asked for", arguments: [1, 50, 999])
    func trainingSamples(_ count: Int) throws {
        let run = try TrainingCase(epochs: 3)
        let plain = try train(run).outcome
        let result = try train(run, training: count)
        #expect(result.outcome.weightsSHA256 == plain.weightsSHA256)
        #expect(plain.epochs.allSatisfy { $0.training == nil })
        let last = try #require(result.outcome.epochs.last)
        // All samples lie in one block.
        #expect(last.training == run.computer.evaluator.score(of: .training, weights: result.weights.pointer))
        #expect(last.training?.total == 50)
        #expect(last.test == plain.epochs.last?.test && last.validation == plain.epochs.last?.validation)
    }

    @Test("A part of a split is its first blocks")
    func parts() {
        let split = BlockPartition(50_000..<53_500, rows: BlockPartition.evaluationRows)
        func blocks(_ samples: Int?) -> Range<Int> { EvaluationPart(.training, samples: samples).blocks(of: split) }
        #expect(blocks(nil) == 0..<4 && blocks(0) == 0..<0)
        #expect(blocks(1) == 0..<1 && blocks(1_000) == 0..<1 && blocks(1_001) == 0..<2)
        #expect(blocks(3_000) == 0..<3 && blocks(3_001) == 0..<4 && blocks(.max) == 0..<4)
    }

    @Test("An epoch's report has the learning rate of its last step")
    func learningRates() throws {
        let outcome = try train(TrainingCase(epochs: 3), schedule: .cosine(final: 0.1)).outcome
        let rate = LearningRate(peak: 1, schedule: .cosine(final: 0.1), stepsPerEpoch: 7, epochs: 3)
        #expect(outcome.epochs.map(\.learningRate) == [6, 13, 20].map { rate.value(at: $0) })
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
        _ run: TrainingCase, every: Int = 1, training: Int = 0, schedule: ScheduleConfiguration = .constant,
        options: TrainingOptions? = nil, stopAfter: Int = .max,
        source: (TrainingCase) -> any GradientSource = { LocalGradientSource($0.computer) }
    ) throws -> Result {
        var configuration = run.configuration
        configuration.evaluation = EvaluationOptions(every: every, training: training)
        configuration.schedule = schedule
        if let options { configuration.training = options }
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
        _ parts: [EvaluationPart], parameters: VersionedParameters, shouldStop: @escaping () -> Bool
    ) throws -> [SplitScore]? {
        try local.evaluate(parts, parameters: parameters, shouldStop: shouldStop)
    }

    func workerName(of node: NodeID) -> String? { nil }
}

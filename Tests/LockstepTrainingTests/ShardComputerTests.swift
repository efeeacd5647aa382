import LockstepCompute
import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepSharding
import LockstepTesting
import LockstepTraining
import Testing

@Suite("ShardComputer")
struct ShardComputerTests {
    @Test(
        "An inner node is the sum of its children, bit for bit",
        arguments: [(1, 8), (2, 8), (3, 8), (5, 9), (13, 8), (8, 50)])
    func nodes(_ shards: Int, _ batch: Int) throws {
        let run = try TrainingCase(batch: batch, shards: shards)
        let weights = try run.initialWeights()
        for index in [0, run.schedule.stepsPerEpoch - 1] {
            let step = Batch(step: UInt64(index), schedule: run.schedule)
            let sums = step.tree.sums(
                of: { run.gradient(of: $0, in: step, weights: weights) },
                adding: { (zip($0.gradient, $1.gradient).map(+), $0.loss + $1.loss) })
            for (node, sum) in sums {
                let found = run.gradient(of: node, in: step, weights: weights)
                #expect(found.gradient == sum.gradient, "\(node) of \(step.tree)")
                #expect(found.loss == sum.loss)
            }
        }
    }

    @Test("A shard is computed in blocks of 1,024 samples from its start, in the epoch's order")
    func blocks() throws {
        let run = try TrainingCase(training: 2_600, batch: 2_600, shards: 1, epochs: 3)
        let weights = try run.initialWeights()
        // The second epoch: another order than the first.
        let batch = Batch(step: 1, schedule: run.schedule)
        #expect(batch.epoch == 1)
        var order = EpochOrder(count: 2_600)
        order.prepare(epoch: 1, seed: 1)
        let computer = try run.configuration.makeModel().makeComputer(
            seed: 1, library: try ComputeLibrary.open(.portable), maximumRows: 1_024)
        try computer.prepare(rows: [1_024, 552])
        computer.load(weights: weights.pointer)
        let expected = FloatBuffer(count: run.layout.count)
        var loss = 0.0
        for range in [0..<1_024, 1_024..<2_048, 2_048..<2_600] {
            let samples = UnsafeBufferPointer(rebasing: order.indices[range])
            run.dataset.gather(samples, into: computer.inputs)
            run.dataset.gatherLabels(samples, into: computer.labels)
            loss += computer.gradient(
                rows: range.count, input: .floats, epoch: 0, into: expected.pointer, accumulating: range.lowerBound > 0
            ) { _ in }
        }
        let found = run.gradient(of: batch.tree.root, in: batch, weights: weights)
        #expect(found.gradient == Array(expected.buffer))
        #expect(found.loss == loss)
    }

    @Test("Layers become final once each, the last one first, whatever the node")
    func segments() throws {
        let run = try TrainingCase(sizes: [12, 7, 5, 3], training: 2_100, batch: 2_100, shards: 2)
        let batch = Batch(step: 0, schedule: run.schedule)
        let weights = try run.initialWeights()
        let whole = run.gradient(of: batch.tree.root, in: batch, weights: weights).gradient
        let gradient = FloatBuffer(count: run.layout.count)
        var layers: [Int] = []
        _ = run.computer.gradient(
            of: batch.tree.root, in: batch, weights: weights.pointer, into: gradient.pointer
        ) { layer in
            layers.append(layer)
            let segment = run.layout.segments[layer].range
            #expect(Array(gradient.buffer[segment]) == Array(whole[segment]))
        }
        #expect(layers == [2, 1, 0])
    }

    @Test("Shards change the last bits of the sum and nothing more")
    func shards() throws {
        let gradients = try [1, 2, 5].map { shards in
            let run = try TrainingCase(sizes: [100, 20, 3], training: 300, batch: 300, shards: shards)
            let batch = Batch(step: 0, schedule: run.schedule)
            return run.gradient(of: batch.tree.root, in: batch, weights: try run.initialWeights()).gradient
        }
        #expect(Set(gradients).count == 3)
        let largest = gradients[0].map(abs).max() ?? 0
        for gradient in gradients.dropFirst() {
            let error = zip(gradient, gradients[0]).map { abs($0 - $1) }.max() ?? .infinity
            #expect(error <= largest * 1e-5)
        }
    }

    @Test("A split's score is the sum of its blocks of 1,000, in their order")
    func evaluation() throws {
        let run = try TrainingCase(validation: 0, test: 2_345)
        let weights = try run.initialWeights()
        let evaluator = run.computer.evaluator
        #expect((0..<3).map { evaluator.blocks(of: .test)[$0].count } == [1_000, 1_000, 345])
        let blocks = (0..<3).map { evaluator.score(of: .test, block: $0, weights: weights.pointer) }
        let score = evaluator.score(of: .test, weights: weights.pointer)
        #expect(score.total == 2_345)
        #expect(score.correct == blocks.map(\.correct).reduce(0, +))
        #expect(score.meanLoss == (0.0 + blocks[0].lossSum + blocks[1].lossSum + blocks[2].lossSum) / 2_345)
        #expect(score.predictions.reduce(0, +) == 2_345)
        let none = evaluator.score(of: .validation, weights: weights.pointer)
        #expect(none == SplitScore(correct: 0, total: 0, meanLoss: 0, predictions: [0, 0, 0]))
    }
}

@Suite("Numeric fingerprint")
struct NumericFingerprintTests {
    @Test("It has a digest for every block size of the run: full and last mini-batch, evaluation")
    func sizes() throws {
        // 50 samples in mini-batches of 8: the last has 2. Shards of 2, 3 and 3 samples, and of 1.
        let run = try TrainingCase(validation: 20, test: 1_030)
        #expect(run.computer.fingerprint().digests.map(\.rows) == [1, 2, 3, 20, 30, 1_000])
        let whole = try TrainingCase(training: 2_100, validation: 0, test: 30, batch: 2_100, shards: 1)
        #expect(whole.computer.fingerprint().digests.map(\.rows) == [30, 52, 1_024])
    }

    @Test("It is the same every time, and names the sizes at which two differ")
    func differences() throws {
        let run = try TrainingCase()
        let mine = run.computer.fingerprint()
        // A computer that has computed gradients gives the same fingerprint.
        let batch = Batch(step: 0, schedule: run.schedule)
        _ = run.gradient(of: batch.tree.root, in: batch, weights: try run.initialWeights())
        #expect(run.computer.fingerprint() == mine)
        #expect(try TrainingCase(seed: 2).computer.fingerprint() == mine)
        #expect(mine.differences(from: mine).isEmpty)

        var digests = mine.digests
        digests[1] = NumericFingerprint.BlockDigest(rows: digests[1].rows, digest: digests[0].digest)
        #expect(NumericFingerprint(digests: digests).differences(from: mine) == [digests[1].rows])
        let shorter = NumericFingerprint(digests: Array(mine.digests.dropLast()))
        #expect(shorter.differences(from: mine) == [mine.digests[mine.digests.count - 1].rows])
        #expect(try TrainingCase(sizes: [12, 8, 3]).computer.fingerprint().differences(from: mine).count > 1)
    }
}

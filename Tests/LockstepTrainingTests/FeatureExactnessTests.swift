import LockstepCompute
import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepSharding
import LockstepTesting
import LockstepTraining
import Testing

/// A shard's gradient is a pure function of weights, sample indices, epoch and seed: what the process computed before it
/// changes no bit.
@Suite("Exactness of training's features", .enabled(if: NumericKernel.portable.isSupported, "this CPU has no AVX2"))
struct FeatureExactnessTests {
    static let configurations: [RunConfiguration] = [
        configuration(cost: .crossEntropy, output: .softmax),
        configuration(cost: .crossEntropy, output: .sigmoid, activation: .tanh),
        configuration(regularization: RegularizationOptions(dropout: 0.5, inputDropout: 0.2)),
        configuration(
            activation: .relu,
            augmentation: AugmentationOptions(shift: 1, rotation: 20, scale: 0.2, shear: 0.2, elastic: 1)),
    ]

    @Test("a fresh computer and one that has computed other nodes give each node the same bits", arguments: 0..<4)
    func pure(index: Int) throws {
        let configuration = Self.configurations[index]
        let dataset = try Self.dataset()
        let library = try ComputeLibrary.open(.portable)
        let busy = try ShardComputer(configuration: configuration, dataset: dataset, library: library)
        let weights = FloatBuffer(count: busy.layout.count)
        try configuration.makeModel().initialize(seed: 9, into: weights)
        for step in [5, 0, 12, 3] as [UInt64] {
            let batch = Batch(step: step, schedule: busy.schedule)
            for node in batch.tree.leaves.reversed() + [batch.tree.root] {
                let fresh = try ShardComputer(configuration: configuration, dataset: dataset, library: library)
                #expect(gradient(busy, node, batch, weights) == gradient(fresh, node, batch, weights))
            }
        }
    }

    @Test("epochs differ if random numbers are drawn anew in each", arguments: 0..<4)
    func epochs(index: Int) throws {
        var configuration = Self.configurations[index]
        // One mini-batch of everything: the order matters to no sum but by rounding.
        configuration.training.batch = 40
        configuration.shards = 1
        let dataset = try Self.dataset()
        let computer = try ShardComputer(
            configuration: configuration, dataset: dataset, library: try ComputeLibrary.open(.portable))
        let weights = FloatBuffer(count: computer.layout.count)
        try configuration.makeModel().initialize(seed: 9, into: weights)
        let losses = ([0, 1] as [UInt64]).map { step in
            let batch = Batch(step: step, schedule: computer.schedule)
            return gradient(computer, batch.tree.root, batch, weights).loss
        }
        let draws = configuration.regularization.dropout > 0 || configuration.augmentation.isActive
        #expect((abs(losses[0] - losses[1]) > 1e-3) == draws)
    }

    private struct Answer: Equatable {
        var loss: Double
        var bits: [UInt32]
    }

    private func gradient(
        _ computer: ShardComputer, _ node: NodeID, _ batch: Batch, _ weights: FloatBuffer
    ) -> Answer {
        let sum = FloatBuffer(count: weights.count)
        let loss = computer.gradient(of: node, in: batch, weights: weights.pointer, into: sum.pointer) { _ in }
        return Answer(loss: loss, bits: sum.buffer.map(\.bitPattern))
    }

    private static func configuration(
        cost: Cost = .quadratic, output: OutputActivation = .sigmoid, activation: Activation = .sigmoid,
        regularization: RegularizationOptions = RegularizationOptions(),
        augmentation: AugmentationOptions = AugmentationOptions()
    ) -> RunConfiguration {
        RunConfiguration(
            name: "x", data: .named("x"),
            network: Architecture(
                sizes: [49, 12, 5], activation: activation, output: output, initializer: .scaledNormal),
            cost: cost, training: TrainingOptions(epochs: 3, batch: 7), optimizer: .sgd(learningRate: 1),
            regularization: regularization, augmentation: augmentation, shards: 3)
    }

    private static func dataset() throws -> Dataset {
        var random = SplitMix64(seed: 21)
        return try Dataset.make(
            name: "x", inputSize: 49, features: (0..<49 * 40).map { _ in UInt8.random(in: 0...255, using: &random) },
            labels: (0..<40).map { _ in UInt16.random(in: 0..<5, using: &random) }, classCount: 5)
    }
}

import LockstepCompute
import LockstepModel
import LockstepNumerics
import LockstepSharding
import Testing

@testable import LockstepTraining

@Suite("Rounded weights and gradients")
struct CommunicationDataTypeTests {
    private func fixture(shards: Int) throws -> TrainingFixture {
        var fixture = try TrainingFixture(optimizer: .sgd(learningRate: 0.5, momentum: 0.5))
        fixture.configuration.communicationDataType = .bfloat16
        fixture.configuration.shards = shards
        return fixture
    }

    private func isRounded(_ value: Float) -> Bool { value.bitPattern & 0xFFFF == 0 }

    @Test("One process and sources that push single shards get the same bits", arguments: [1, 2, 3, 5, 8])
    func sources(shards: Int) throws {
        let fixture = try fixture(shards: shards)
        let alone = try fixture.train()
        let scattered = try fixture.train(source: try ShardSource(fixture))
        #expect(alone.weightsSHA256 == scattered.weightsSHA256)
        #expect(alone.epochs.map(\.test) == scattered.epochs.map(\.test))
        var plain = fixture
        plain.configuration.communicationDataType = .float32
        #expect(try plain.train().weightsSHA256 != alone.weightsSHA256)
    }

    @Test("Every node is rounded except the sum over all shards, which is the plain sum of its halves")
    func nodes() throws {
        let fixture = try fixture(shards: 4)
        let computer = try fixture.computer()
        let weights = FloatBuffer(count: computer.layout.count)
        for index in 0..<weights.count { weights.pointer[index] = Float(index % 17) / 16 - 0.5 }
        let batch = Batch(step: 0, schedule: computer.schedule)
        func gradient(_ node: NodeID) -> [Float] {
            let gradient = FloatBuffer(count: computer.layout.count)
            _ = computer.gradient(of: node, in: batch, weights: weights.pointer, into: gradient.pointer) { _ in }
            return gradient.values
        }
        let (left, right) = try #require(batch.tree.children(of: batch.tree.root))
        let root = gradient(batch.tree.root)
        #expect(root == zip(gradient(left), gradient(right)).map { $0 + $1 })
        #expect(!root.allSatisfy(isRounded))
        for half in [left, right] {
            let (first, second) = try #require(batch.tree.children(of: half))
            #expect(gradient(first).allSatisfy(isRounded) && gradient(second).allSatisfy(isRounded))
            let sum = FloatBuffer(count: root.count)
            for (index, (a, b)) in zip(gradient(first), gradient(second)).enumerated() { sum.pointer[index] = a + b }
            roundToBFloat16(sum.pointer, count: sum.count)
            #expect(gradient(half) == sum.values)
        }
    }

    @Test("With one shard, its gradient is the sum over all samples and is rounded")
    func oneShard() throws {
        let computer = try fixture(shards: 1).computer()
        let weights = FloatBuffer(count: computer.layout.count)
        let gradient = FloatBuffer(count: computer.layout.count)
        let batch = Batch(step: 0, schedule: computer.schedule)
        _ = computer.gradient(
            of: batch.tree.root, in: batch, weights: weights.pointer, into: gradient.pointer
        ) { _ in }
        #expect(gradient.values.allSatisfy(isRounded) && gradient.values.contains { $0 != 0 })
    }

    @Test("Gradients are computed on rounded weights; the optimizer's weights keep all their bits")
    func weights() throws {
        let other = { FloatBuffer(count: 3) }
        let initial = other()
        for index in 0..<3 { initial.pointer[index] = 1 + Float(index) / 1_000 }
        let parameters = VersionedParameters(
            initial: initial, other: other(), rounded: (even: other(), odd: other()), version: 4)
        parameters.round(0..<3, of: 4)
        #expect(parameters.forward(4).values == [1, 1, 1])
        #expect(parameters[4].values == initial.values)
        // Weights that replace the next ones for an evaluation are not rounded.
        let replaced = parameters.replaced(by: initial)
        #expect(VersionedParameters.isReplacement(replaced.version) && !VersionedParameters.isReplacement(4))
        #expect(replaced.forward(replaced.version).values == initial.values)
        #expect(replaced.current.values == initial.values)
    }
}

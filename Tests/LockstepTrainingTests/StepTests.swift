import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepSharding
import LockstepSystem
import LockstepTraining
import Testing

/// Pushes the gradients of two halves of every mini-batch: random numbers that depend on step and half.
private final class TwoHalves: GradientSource {
    let chunks: ChunkLayout
    let gradients: [FloatBuffer]

    init(_ layout: ParameterLayout) {
        chunks = layout.chunks
        gradients = [FloatBuffer(count: layout.count), FloatBuffer(count: layout.count)]
    }

    var workers: Int { 2 }
    var membersPresent: Int { 2 }
    var membership: MembershipCounts { MembershipCounts() }

    func gradients(of batch: Batch, parameters: VersionedParameters, push: (PartialResult) throws -> Void) throws {
        let children = try #require(batch.tree.children(of: batch.tree.root))
        for (half, node) in [children.left, children.right].enumerated() {
            let buffer = gradients[half].buffer
            for i in buffer.indices {
                buffer[i] = StepTests.value(step: batch.step, half: half, element: i)
            }
            for chunk in chunks.chunks.indices {
                let floats = gradients[half].pointer + chunks.chunks[chunk].range.lowerBound
                try push(.gradient(node, chunk: chunk, floats, isStable: true))
            }
            try push(.lossSum(node, 1))
        }
    }

    func publish(version: UInt64, chunk: Int) {}
    func evaluate(
        _ parts: [EvaluationPart], parameters: VersionedParameters, shouldStop: @escaping () -> Bool
    ) -> [SplitScore]? { [] }
    func workerName(of node: NodeID) -> String? { nil }
}

struct StepTests {
    /// Several chunks; the last tile of the last chunk is shorter.
    private let network = Architecture(sizes: [1000, 300, 10])
    private let layout: ParameterLayout

    init() throws {
        layout = try NetworkModel(network).layout
    }

    static func value(step: UInt64, half: Int, element: Int) -> Float {
        let words = Philox(seed: 3).words(counter: SIMD4(UInt32(step), UInt32(half), UInt32(element), 0))
        return Float(Int32(bitPattern: words[0])) * 0x1p-31
    }

    private func weights(
        _ configuration: OptimizerConfiguration, clipping: GradientClipping? = nil, threadCount: Int, steps: UInt64
    ) throws -> [Float] {
        let schedule = BatchSchedule(samples: 40, batch: 8, shards: 2)
        let run = RunConfiguration(
            name: "x", data: .named("x"), network: network, training: TrainingOptions(epochs: 1, batch: 8),
            optimizer: configuration)
        let threadPool = ThreadPool(threadCount: threadCount)
        defer { threadPool.shutdown() }
        var step = Step(
            source: TwoHalves(layout), reducer: Reducer(layout: layout.chunks, shards: 2),
            optimizer: run.makeOptimizer(
                for: layout, rate: run.makeLearningRate(stepsPerEpoch: schedule.stepsPerEpoch)),
            clipping: clipping, threadPool: threadPool)
        var parameters = VersionedParameters(
            initial: FloatBuffer(count: layout.count), other: FloatBuffer(count: layout.count))
        for index in 0..<steps {
            let loss = try step.run(Batch(step: index, schedule: schedule), &parameters)
            #expect(loss == 2)
        }
        return parameters.current.values
    }

    @Test("The number of threads changes no bit of the weights", arguments: [1, 3])
    func threadCounts(count: Int) throws {
        let rule = OptimizerConfiguration.adamW(learningRate: 0.01, weightDecay: 0.1)
        let alone = try weights(rule, threadCount: 0, steps: 4)
        #expect(try weights(rule, threadCount: count, steps: 4).map(\.bitPattern) == alone.map(\.bitPattern))
    }

    @Test("The number of threads changes no bit of clipped steps either", arguments: [1, 3])
    func clippedThreadCounts(count: Int) throws {
        let rule = OptimizerConfiguration.adamW(learningRate: 0.01, weightDecay: 0.1)
        for clipping in [GradientClipping.norm(0.3), .value(0.02)] {
            let alone = try weights(rule, clipping: clipping, threadCount: 0, steps: 4).map(\.bitPattern)
            #expect(try weights(rule, clipping: clipping, threadCount: count, steps: 4).map(\.bitPattern) == alone)
            #expect(try weights(rule, threadCount: 0, steps: 4).map(\.bitPattern) != alone)
        }
    }

    @Test("A limit that no gradient reaches changes no bit")
    func unreachedLimits() throws {
        let rule = OptimizerConfiguration.sgd(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01)
        let free = try weights(rule, threadCount: 0, steps: 4).map(\.bitPattern)
        for clipping in [GradientClipping.norm(1e6), .value(1e6)] {
            #expect(try weights(rule, clipping: clipping, threadCount: 0, steps: 4).map(\.bitPattern) == free)
        }
    }

    @Test("The norm is that of the mean gradient over all chunks, and every element is scaled by the same factor")
    func norm() throws {
        let sums = (0..<layout.count).map {
            Self.value(step: 0, half: 0, element: $0) + Self.value(step: 0, half: 1, element: $0)
        }
        let norm = sums.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot() / 8
        let factor = Float(0.5 / (norm + 1e-6))
        let scale = Float(0.25 / 8)
        let found = try weights(.sgd(learningRate: 0.25), clipping: .norm(0.5), threadCount: 0, steps: 1)
        #expect(norm > 1)
        #expect(found == sums.map { 0 - scale * (factor * $0) })
        let length = found.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        #expect(abs(length - 0.25 * 0.5) < 1e-5)
    }

    @Test("A step subtracts the sum of both halves, each element once", arguments: [0, 2])
    func formula(threadCount: Int) throws {
        let scale = Float(0.5 / 8)
        let expected = (0..<layout.count).map {
            0 - scale * (Self.value(step: 0, half: 0, element: $0) + Self.value(step: 0, half: 1, element: $0))
        }
        #expect(try weights(.sgd(learningRate: 0.5), threadCount: threadCount, steps: 1) == expected)
    }
}

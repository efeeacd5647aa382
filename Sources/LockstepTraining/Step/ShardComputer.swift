package import LockstepCompute
package import LockstepData
package import LockstepModel
import LockstepNumerics
package import LockstepSharding
package import LockstepTimeline

/// Computes the gradients of tree nodes and, through ``evaluator``, the scores of evaluation blocks, on one thread.
///
/// A shard's gradient is a pure function of weights, sample indices, epoch and seed. The coordinator and every worker run
/// this code, so their bits are equal.
package final class ShardComputer {
    package let schedule: BatchSchedule
    package let model: any Model
    package let evaluator: Evaluator
    let computer: any ModelComputer
    /// Records the phases of this thread; nil if the run is not traced.
    package var timeline: Timeline? {
        didSet { computer.timeline = timeline }
    }

    /// The model's, which the step reads often.
    package let layout: ParameterLayout
    private let dataset: Dataset
    private let inputs: Int
    private let blockRows: Int
    /// Whether partial sums are rounded to bfloat16; the final sum never is.
    private let roundsToBFloat16: Bool
    private let seed: UInt64
    private var order: EpochOrder
    /// Where the model's own code has thrown an error first, if that was in a step.
    private var failurePlace: String?
    /// Alters training images; nil without augmentation.
    private let warp: ImageWarp?
    /// Memory for the sums of right children, by depth below the node that is computed.
    private let scratch: [FloatBuffer]

    /// - Parameters:
    ///   - configuration: The run's configuration, with its shards resolved.
    ///   - dataset: The run's samples; they must fit the model (see ``RunConfiguration/check(against:)``).
    ///   - library: The compute library, opened with the run's kernel.
    /// - Throws: `NetworkError` if there is no such network, `ComputeError` if the compute library cannot compute it.
    package init(configuration: RunConfiguration, dataset: Dataset, library: ComputeLibrary) throws {
        let trainingSamples = dataset.indices(of: .training).count
        self.schedule = BatchSchedule(
            samples: trainingSamples, batch: configuration.training.batch, shards: configuration.shards ?? 1)
        self.model = try configuration.makeModel()
        self.layout = model.layout
        self.inputs = model.inputs
        self.blockRows = model.blockRows
        self.computer = try model.makeComputer(
            seed: configuration.training.seed, library: library, maximumRows: model.blockRows)
        self.evaluator = Evaluator(model: model, computer: computer, dataset: dataset)
        self.dataset = dataset
        self.roundsToBFloat16 = configuration.communicationDataType.roundsToBFloat16
        self.seed = configuration.training.seed
        self.order = EpochOrder(count: trainingSamples)
        self.warp = configuration.augmentation.makeWarp(for: dataset.description, seed: configuration.training.seed)
        let depth = schedule.trees.map(\.depth).max() ?? 1
        self.scratch = (0..<depth - 1).map { [count = layout.count] _ in FloatBuffer(count: count) }
        // An evaluation of training samples has blocks of its own, on which no weights depend.
        try computer.prepare(rows: blockSizes.union(evaluator.blockSizes(of: .training)))
    }

    /// Computes a node's gradient: the sum over its samples.
    ///
    /// - Parameters:
    ///   - node: A node of the batch's tree.
    ///   - batch: The mini-batch.
    ///   - weights: All parameters, in the layout's order.
    ///   - gradient: Receives the sum, in the same order.
    ///   - segmentDone: Called when a segment of the sum is final, the last segment first.
    /// - Returns: The sum of the samples' losses.
    package func gradient(
        of node: NodeID, in batch: Batch, weights: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>,
        segmentDone: (Int) throws -> Void
    ) rethrows -> Double {
        order.prepare(epoch: batch.epoch, seed: seed)
        computer.load(weights: weights)
        return try sum(node, in: batch, level: 0, into: gradient, segmentDone)
    }

    /// Throws what the code of a program's own model has thrown, with its place. Callers of the methods that compute ask for it
    /// before they use a result.
    package func checkModel() throws(ModelFailure) {
        guard var failure = computer.failure else { return }
        failure.place = failurePlace ?? "an evaluation"
        throw failure
    }

    /// Adds a subtree: the left child's sum, plus the right child's segments as they become final.
    private func sum(
        _ node: NodeID, in batch: Batch, level: Int,
        into gradient: UnsafeMutablePointer<Float>, _ segmentDone: (Int) throws -> Void
    ) rethrows -> Double {
        guard let (left, right) = batch.tree.children(of: node) else {
            return try leaf(node, in: batch, into: gradient, segmentDone)
        }
        let leftLoss = sum(left, in: batch, level: level, into: gradient) { _ in }
        let addend = scratch[level].pointer
        let rightLoss = try sum(right, in: batch, level: level + 1, into: addend) { segment in
            let range = layout.segments[segment].range
            let destination = gradient + range.lowerBound
            timeline?.enter(.reduce)
            accumulate(addend + range.lowerBound, into: destination, count: range.count)
            if roundsToBFloat16, node != batch.tree.root { roundToBFloat16(destination, count: range.count) }
            try segmentDone(segment)
        }
        return leftLoss + rightLoss
    }

    /// Computes one shard, in blocks that are counted from its start.
    private func leaf(
        _ node: NodeID, in batch: Batch, into gradient: UnsafeMutablePointer<Float>, _ segmentDone: (Int) throws -> Void
    ) rethrows -> Double {
        let start = schedule.positions(ofBatch: batch.index).lowerBound
        let blocks = BlockPartition(batch.tree.samples(of: node), rows: blockRows)
        var lossSum = 0.0
        for index in 0..<blocks.count {
            let block = blocks[index]
            timeline?.enter(.gather)
            let samples = UnsafeBufferPointer(
                rebasing: order.indices[start + block.lowerBound..<start + block.upperBound])
            let input = gather(samples, epoch: batch.epoch)
            let isLast = index == blocks.count - 1
            if isLast { prefetchNext(start + block.lowerBound..<start + block.upperBound, in: batch) }
            lossSum += try computer.gradient(
                rows: block.count, input: input, epoch: UInt32(truncatingIfNeeded: batch.epoch), into: gradient,
                accumulating: index > 0
            ) { segment in
                guard isLast else { return }
                if roundsToBFloat16 {
                    let range = layout.segments[segment].range
                    roundToBFloat16(gradient + range.lowerBound, count: range.count)
                }
                try segmentDone(segment)
            }
            if computer.failure != nil, failurePlace == nil {
                failurePlace = "shard \(batch.tree.slot(of: node)) of \(schedule.shards), step \(batch.step)"
            }
        }
        return lossSum
    }

    /// Prefetches the samples at the same positions of the next mini-batch, so that they arrive while this one is
    /// computed. Only a few samples are prefetched: more would leave the cache before they are needed.
    private func prefetchNext(_ positions: Range<Int>, in batch: Batch) {
        guard positions.count <= Self.maximumPrefetchedSamples else { return }
        let next = positions.lowerBound + batch.count..<positions.upperBound + batch.count
        let present = next.clamped(to: 0..<order.indices.count)
        dataset.prefetch(UnsafeBufferPointer(rebasing: order.indices[present]))
    }

    private static let maximumPrefetchedSamples = 32

    /// Gathers training samples, with the augmentation of this epoch.
    private func gather(_ samples: UnsafeBufferPointer<UInt32>, epoch: Int) -> BlockInput {
        let input = computer.gather(samples, of: dataset, asFloats: warp != nil)
        for (row, sample) in samples.enumerated() {
            computer.sampleIndices[row] = sample
            warp?.apply(to: computer.inputs + row * inputs, epoch: epoch, sample: sample)
        }
        return input
    }
}

/// Measurements for the cost model: they compute what a step computes, and no later gradient depends on them.
extension ShardComputer {
    /// Gets ready for measurements with blocks of these sizes.
    package func prepare(rows: Set<Int>) throws { try computer.prepare(rows: rows) }

    /// Measures how long one shard's gradient takes.
    ///
    /// - Parameters:
    ///   - rows: The shard's samples, at most one block: a prepared number.
    ///   - repetition: Each one takes other samples, in the order of the first epoch: the samples of a step are not in
    ///     the caches either.
    ///   - weights: All parameters, in the layout's order.
    ///   - gradient: Memory for their gradient.
    /// - Returns: Seconds.
    package func timeGradient(
        rows: Int, repetition: Int, weights: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>
    ) -> Double {
        order.prepare(epoch: 0, seed: seed)
        let rows = min(rows, blockRows, schedule.samples)
        let first = repetition * rows % (schedule.samples - rows + 1)
        let samples = UnsafeBufferPointer(rebasing: order.indices[first..<first + rows])
        let start = Instant.now
        let input = gather(samples, epoch: 0)
        computer.load(weights: weights)
        _ = computer.gradient(rows: rows, input: input, epoch: 0, into: gradient, accumulating: false) { _ in }
        return Instant.now.seconds(since: start)
    }
}

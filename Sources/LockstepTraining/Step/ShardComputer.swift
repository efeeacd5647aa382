package import LockstepCompute
package import LockstepData
package import LockstepNetwork
import LockstepNumerics
package import LockstepSharding
package import LockstepTimeline

/// Computes the gradients of tree nodes and, through ``evaluator``, the scores of evaluation blocks, on one thread.
///
/// A shard's gradient is a pure function of weights, sample indices, epoch and seed. The coordinator and every worker run
/// this code, so their bits are equal.
package final class ShardComputer {
    package let schedule: BatchSchedule
    package let layout: ParameterLayout
    package let evaluator: Evaluator
    let network: Backpropagation
    /// Records the phases of this thread; nil if the run is not traced.
    package var timeline: Timeline? {
        didSet { network.timeline = timeline }
    }

    private let dataset: Dataset
    /// Whether partial sums are rounded to bfloat16; the final sum never is.
    private let roundsToBFloat16: Bool
    private let seed: UInt64
    private var order: EpochOrder
    /// Alters training images; nil without augmentation.
    private let warp: ImageWarp?
    /// Memory for the sums of right children, by depth below the node that is computed.
    private let scratch: [FloatBuffer]

    /// - Parameters:
    ///   - configuration: The run's configuration, with its shards resolved.
    ///   - dataset: The run's samples; they must fit the network (see ``LockstepNetwork/Architecture/check(against:)``).
    ///   - library: The compute library, opened with the run's kernel.
    /// - Throws: `NetworkError` if there is no such network, `ComputeError` if the compute library cannot be used.
    package init(configuration: RunConfiguration, dataset: Dataset, library: ComputeLibrary) throws {
        let trainingSamples = dataset.indices(of: .training).count
        self.schedule = BatchSchedule(
            samples: trainingSamples, batch: configuration.training.batch, shards: configuration.shards ?? 1)
        self.layout = try ParameterLayout(configuration.network)
        let rows = max(BlockPartition.trainingRows, BlockPartition.evaluationRows)
        self.network = try Backpropagation(
            configuration.network, objective: configuration.objective, seed: configuration.training.seed,
            library: library, maximumRows: rows)
        self.evaluator = Evaluator(network: network, dataset: dataset)
        self.dataset = dataset
        self.roundsToBFloat16 = configuration.communicationDataType.roundsToBFloat16
        self.seed = configuration.training.seed
        self.order = EpochOrder(count: trainingSamples)
        self.warp = configuration.augmentation.makeWarp(for: dataset.description, seed: configuration.training.seed)
        let depth = schedule.trees.map(\.depth).max() ?? 1
        self.scratch = (0..<depth - 1).map { [count = layout.count] _ in FloatBuffer(count: count) }
    }

    /// Computes a node's gradient: the sum over its samples.
    ///
    /// - Parameters:
    ///   - node: A node of the batch's tree.
    ///   - batch: The mini-batch.
    ///   - weights: All parameters, in the layout's order.
    ///   - gradient: Receives the sum, in the same order.
    ///   - segmentDone: Called when a layer's segment of the sum is final, the last layer first.
    /// - Returns: The sum of the samples' losses.
    package func gradient(
        of node: NodeID, in batch: Batch, weights: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>,
        segmentDone: (Int) throws -> Void
    ) rethrows -> Double {
        order.prepare(epoch: batch.epoch, seed: seed)
        return try sum(node, in: batch, weights, level: 0, into: gradient, segmentDone)
    }

    /// Adds a subtree: the left child's sum, plus the right child's layers as they become final.
    private func sum(
        _ node: NodeID, in batch: Batch, _ weights: UnsafePointer<Float>, level: Int,
        into gradient: UnsafeMutablePointer<Float>, _ segmentDone: (Int) throws -> Void
    ) rethrows -> Double {
        guard let (left, right) = batch.tree.children(of: node) else {
            return try leaf(node, in: batch, weights, into: gradient, segmentDone)
        }
        let leftLoss = sum(left, in: batch, weights, level: level, into: gradient) { _ in }
        let addend = scratch[level].pointer
        let rightLoss = try sum(right, in: batch, weights, level: level + 1, into: addend) { layer in
            let range = layout.layers[layer].segment
            let destination = gradient + range.lowerBound
            timeline?.enter(.reduce)
            accumulate(addend + range.lowerBound, into: destination, count: range.count)
            if roundsToBFloat16, node != batch.tree.root { roundToBFloat16(destination, count: range.count) }
            try segmentDone(layer)
        }
        return leftLoss + rightLoss
    }

    /// Gathers the first samples of the data set, for measurements.
    func gatherFirst(_ rows: Int) -> Backpropagation.Input {
        let first = dataset.indices(of: .training).lowerBound
        return network.gather(first..<first + rows, of: dataset)
    }

    /// Computes one shard, in blocks that are counted from its start.
    private func leaf(
        _ node: NodeID, in batch: Batch, _ weights: UnsafePointer<Float>,
        into gradient: UnsafeMutablePointer<Float>, _ segmentDone: (Int) throws -> Void
    ) rethrows -> Double {
        let start = schedule.positions(ofBatch: batch.index).lowerBound
        let blocks = BlockPartition(batch.tree.samples(of: node), rows: BlockPartition.trainingRows)
        var lossSum = 0.0
        for index in 0..<blocks.count {
            let block = blocks[index]
            timeline?.enter(.gather)
            let samples = UnsafeBufferPointer(
                rebasing: order.indices[start + block.lowerBound..<start + block.upperBound])
            let input = gather(samples, epoch: batch.epoch)
            let isLast = index == blocks.count - 1
            if isLast { prefetchNext(start + block.lowerBound..<start + block.upperBound, in: batch) }
            lossSum += try network.gradient(
                rows: block.count, input: input, epoch: UInt32(truncatingIfNeeded: batch.epoch), weights: weights,
                into: gradient, accumulating: index > 0
            ) { layer in
                guard isLast else { return }
                if roundsToBFloat16 {
                    let range = layout.layers[layer].segment
                    roundToBFloat16(gradient + range.lowerBound, count: range.count)
                }
                try segmentDone(layer)
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
    private func gather(_ samples: UnsafeBufferPointer<UInt32>, epoch: Int) -> Backpropagation.Input {
        let input = network.gather(samples, of: dataset, asFloats: warp != nil)
        for (row, sample) in samples.enumerated() {
            network.sampleIndices[row] = sample
            warp?.apply(to: network.inputs + row * layout.inputs, epoch: epoch, sample: sample)
        }
        return input
    }
}

/// Measurements for the cost model: they compute what a step computes, and change no state.
extension ShardComputer {
    /// Measures how long one shard's gradient takes.
    ///
    /// - Parameters:
    ///   - rows: The shard's samples, at most one block.
    ///   - weights: All parameters, in the layout's order.
    ///   - gradient: Memory for their gradient.
    /// - Returns: Seconds.
    package func timeGradient(
        rows: Int, weights: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>
    ) -> Double {
        let rows = min(rows, BlockPartition.trainingRows, schedule.samples)
        let start = Instant.now
        let input = gatherFirst(rows)
        _ = network.gradient(rows: rows, input: input, weights: weights, into: gradient, accumulating: false) { _ in }
        return Instant.now.seconds(since: start)
    }
}

import LockstepNetwork
import LockstepNumerics
import LockstepSharding

/// Where a run left the finite numbers.
package struct NonFiniteError: Error, Hashable, Sendable {
    /// The number that is infinite or not a number.
    package enum Quantity: Hashable, Sendable {
        /// A cost, summed over the samples of a shard or of several.
        case loss
        /// The gradient of a shard.
        case gradient
        /// The weights after the step.
        case weights
    }

    package var quantity: Quantity
    /// Counted from 0 over the whole run.
    package var step: UInt64
    package var epoch: Int
    /// The shard that gives it, of `shards`, from 0; nil if none does by itself.
    package var shard: Int?
    package var shards: Int
    /// Who computed it; nil in a single process.
    package var worker: String?

    package init(
        quantity: Quantity, step: UInt64, epoch: Int, shard: Int? = nil, shards: Int, worker: String? = nil
    ) {
        self.quantity = quantity
        self.step = step
        self.epoch = epoch
        self.shard = shard
        self.shards = shards
        self.worker = worker
    }
}

extension NonFiniteError: CustomStringConvertible {
    package var description: String {
        let place = shard.map { " of shard \($0) of \(shards)" } ?? ""
        let origin = worker.map { ", computed by \($0)," } ?? ""
        return switch (quantity, shard, worker) {
        case (.loss, _, _), (.gradient, _, _):
            "step \(step) (epoch \(epoch)): the \(quantity == .loss ? "loss" : "gradient")\(place)\(origin) "
                + "is not a finite number; try a smaller learning rate"
        case (.weights, _, _):
            "step \(step) (epoch \(epoch)): the weights after it are no finite numbers, although every shard's "
                + "gradient is; try a smaller learning rate"
        }
    }
}

/// Found while a step goes on: the node whose answer is not finite, or nil for the weights made from all of them.
struct NonFiniteResult: Error {
    let node: NodeID?
}

extension ShardComputer {
    /// Computes the shards of a mini-batch one by one, to find what is not finite in it.
    ///
    /// - Parameters:
    ///   - batch: The mini-batch.
    ///   - node: Whose shards to look at; nil: all.
    ///   - weights: All parameters, in the layout's order.
    /// - Returns: The first shard whose loss or gradient is infinite or not a number.
    func firstNonFiniteShard(
        of batch: Batch, in node: NodeID? = nil, weights: UnsafePointer<Float>
    ) -> (shard: Int, quantity: NonFiniteError.Quantity)? {
        let sum = FloatBuffer(count: layout.count)
        for leaf in batch.tree.leaves[batch.tree.leaves(of: node ?? batch.tree.root)] {
            let loss = gradient(of: leaf, in: batch, weights: weights, into: sum.pointer) { _ in }
            if !loss.isFinite { return (batch.tree.slot(of: leaf), .loss) }
            let isFinite = withExtendedLifetime(sum) { allFinite(sum.pointer, count: layout.count) }
            if !isFinite { return (batch.tree.slot(of: leaf), .gradient) }
        }
        return nil
    }
}

import LockstepModel
import LockstepNumerics
import LockstepSharding

/// A number of a run is infinite or not a number: which one, and where it was computed.
package struct NonFiniteError: Error, Hashable, Sendable {
    /// The kind of number that is infinite or not a number.
    package enum Quantity: Hashable, Sendable {
        /// A sum of losses, over the samples of one shard or several.
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
    /// The first shard whose result is not finite, of `shards`, from 0; nil if each result is finite.
    package var shard: Int?
    package var shards: Int
    /// The worker that computed it; nil in a single process.
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
    package var description: String { finding + "; try a smaller learning rate" }

    /// What was found, without a remedy.
    var finding: String {
        let place = shard.map { " of shard \($0) of \(shards)" } ?? ""
        let origin = worker.map { ", computed by \($0)," } ?? ""
        return switch quantity {
        case .loss, .gradient:
            "step \(step) (epoch \(epoch)): the \(quantity == .loss ? "loss" : "gradient")\(place)\(origin) "
                + "is not a finite number"
        case .weights:
            "step \(step) (epoch \(epoch)): the weights after it are not finite, although the gradient of each "
                + "shard is"
        }
    }
}

/// Thrown within a step: where numbers that are not finite were found.
enum NonFiniteResult: Error {
    /// The sum of the losses of a node's samples.
    case loss(NodeID)
    /// The new weights of a chunk.
    case weights(chunk: Int)
}

extension ShardComputer {
    /// Computes the shards of a mini-batch one by one, to find the first that is not finite.
    ///
    /// - Parameters:
    ///   - batch: The mini-batch.
    ///   - node: Only the shards of this node are computed; nil: all.
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

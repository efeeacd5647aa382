import LockstepNumerics
import LockstepSharding

/// Where numbers that are not finite come from.
extension Trainer {
    /// Computes the shards of a step again, to find the shard and the worker whose result is not finite.
    func locate(_ result: NonFiniteResult) -> NonFiniteError {
        let batch = Batch(step: parameters.version, schedule: schedule)
        var error = NonFiniteError(
            quantity: result.node == nil ? .weights : .loss, step: batch.step, epoch: batch.epoch,
            shards: schedule.shards)
        let weights = parameters.forward(parameters.version).pointer
        if let first = try? dependencies.makeShardComputer().firstNonFiniteShard(
            of: batch, in: result.node, weights: weights)
        {
            (error.shard, error.quantity) = first
            let leaf = batch.tree.leaves.first { batch.tree.slot(of: $0) == first.shard }
            error.worker = leaf.flatMap { workerName(above: $0, in: batch.tree) }
        } else if let node = result.node {
            // This process computes finite numbers: the worker computed something else.
            error.worker = source.workerName(of: node)
        }
        return error
    }

    /// The worker that computed a shard, alone or within a larger node.
    private func workerName(above leaf: NodeID, in tree: SummationTree) -> String? {
        var node: NodeID? = leaf
        while let candidate = node {
            if let name = source.workerName(of: candidate) { return name }
            node = tree.parent(of: candidate)
        }
        return nil
    }
}

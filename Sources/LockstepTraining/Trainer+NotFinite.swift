import LockstepNumerics
import LockstepSharding

/// Numbers that are not finite: where they come from.
extension Trainer {
    /// Finds out which shard and which worker gave an answer that is not finite, by computing the shards again.
    func place(of answer: NotFiniteAnswer) -> NotFinite {
        let batch = Batch(step: parameters.version, schedule: schedule)
        var place = NotFinite(
            quantity: answer.node == nil ? .weights : .loss, step: batch.step, epoch: batch.epoch,
            shards: schedule.shards)
        let weights = parameters.forward(parameters.version).pointer
        if let found = try? surroundings.makeShardComputer().firstNotFiniteShard(
            of: batch, in: answer.node, weights: weights)
        {
            (place.shard, place.quantity) = found
            let leaf = batch.tree.leaves.first { batch.tree.slot(of: $0) == found.shard }
            place.worker = leaf.flatMap { workerName(above: $0, in: batch.tree) }
        } else if let node = answer.node {
            // Whoever gave it computes something else than this process does.
            place.worker = source.workerName(of: node)
        }
        return place
    }

    /// Who computed a shard, alone or as part of a larger node.
    private func workerName(above leaf: NodeID, in tree: SummationTree) -> String? {
        var node: NodeID? = leaf
        while let candidate = node {
            if let name = source.workerName(of: candidate) { return name }
            node = tree.parent(of: candidate)
        }
        return nil
    }
}

import LockstepModel
import LockstepNumerics
import LockstepSharding

/// Where numbers that are not finite come from.
enum NonFiniteOrigin {
    /// This process has computed them too.
    case confirmed(NonFiniteError)
    /// The worker that computed this node sent other numbers than this process computes. If they are finite, it may have
    /// sent wrong ones before.
    case worker(NodeID, isFinite: Bool)
    /// This process computes finite numbers, and whose result was wrong is not known.
    case unknown(NonFiniteError)
}

extension Trainer {
    /// Computes the nodes of the step under way again, to find whose numbers are not finite.
    func locate(_ result: NonFiniteResult) throws -> NonFiniteOrigin {
        let batch = Batch(step: parameters.version, schedule: schedule)
        var error = NonFiniteError(quantity: .weights, step: batch.step, epoch: batch.epoch, shards: schedule.shards)
        var wrong: Reducer.WrongNode?
        if case .loss(let node) = result { (wrong, error.quantity) = (Reducer.WrongNode(node: node), .loss) }
        let weights = parameters.forward(parameters.version).pointer
        let computer = try dependencies.makeShardComputer()
        if let first = computer.firstNonFiniteShard(of: batch, in: wrong?.node, weights: weights) {
            (error.shard, error.quantity) = first
            let leaf = batch.tree.leaves.first { batch.tree.slot(of: $0) == first.shard }
            error.worker = leaf.flatMap { workerName(above: $0, in: batch.tree) }
            return .confirmed(error)
        }
        let sum = FloatBuffer(count: computer.layout.count)
        func lossSum(of node: NodeID) -> Double {
            computer.gradient(of: node, in: batch, weights: weights, into: sum.pointer) { _ in }
        }
        switch result {
        case .loss(let node):
            guard lossSum(of: node).isFinite else { return .confirmed(error) }
        case .weights(let chunk):
            wrong = step.reducer.wrongNode(chunk: chunk) { node in
                _ = lossSum(of: node)
                return sum
            }
            if wrong == nil {
                // Each shard is finite, and each result is right: their sum may be too large.
                _ = lossSum(of: batch.tree.root)
                let isFinite = withExtendedLifetime(sum) { allFinite(sum.pointer, count: sum.count) }
                guard isFinite else { return .confirmed(error) }
            }
        }
        if let wrong, source.workerName(of: wrong.node) != nil {
            return .worker(wrong.node, isFinite: wrong.isFinite)
        }
        return .unknown(error)
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

/// The tree nodes that each worker computes: a contiguous range of shards per worker, as whole subtrees.
///
/// A worker may stand for several processes, which cut its range again. The cuts minimise the largest number of samples
/// that one process gets (the step waits for that process), then the number of tree nodes (each is one sum that is
/// sent). If there are more workers than non-empty shards, the last ones are spares and get nothing. The plan decides
/// which worker computes a sum, never its value.
package struct AssignmentPlan: Sendable, Equatable {
    /// Each worker's tree nodes, left to right; none for spares, which come last.
    package let nodes: [[NodeID]]
    /// The largest number of samples that one process gets.
    package let maximumSamples: Int
    /// The samples in the batch.
    package let samples: Int
    /// The number of processes of all workers.
    package let processes: Int

    /// The best speedup that this plan allows, divided by the number of processes P: m / (P · ``maximumSamples``).
    package var efficiency: Double {
        Double(samples) / (Double(processes) * Double(maximumSamples))
    }

    /// The plan for workers of one process each.
    ///
    /// - Parameters:
    ///   - tree: The summation tree of the batch.
    ///   - workers: W, at least 1.
    ///   - splitsRoot: Whether one worker that gets all shards gets the root's two children in place of the root.
    package init(tree: SummationTree, workers: Int, splitsRoot: Bool = false) {
        self.init(tree: tree, capacities: Array(repeating: 1, count: workers), splitsRoot: splitsRoot)
    }

    /// - Parameters:
    ///   - tree: The summation tree of the batch.
    ///   - capacities: The number of processes of each worker, at least 1; at least one worker.
    ///   - splitsRoot: Whether one worker that gets all shards gets the root's two children in place of the root.
    package init(tree: SummationTree, capacities: [Int], splitsRoot: Bool = false) {
        let workers = capacities.count
        precondition(workers >= 1, "at least one worker, not \(workers)")
        let active = min(workers, tree.leaves.count)
        let search = CutSearch(tree: tree, capacities: Array(capacities.prefix(active)))
        let cuts = search.cuts()
        var nodes: [[NodeID]] = []
        nodes.reserveCapacity(workers)
        for (start, end) in zip([0] + cuts, cuts + [tree.leaves.count]) {
            let covering = tree.nodes(coveringLeaves: start..<end)
            nodes.append(covering == [tree.root] ? tree.nodes(coveringAll: splitsRoot) : covering)
        }
        nodes.append(contentsOf: repeatElement([], count: workers - active))
        self.nodes = nodes
        self.maximumSamples = search.maximumSamples
        self.samples = tree.samples
        self.processes = capacities.reduce(0, +)
    }
}

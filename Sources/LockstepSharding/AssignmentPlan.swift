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
        self.init(tree: tree, nodes: [tree.root], capacities: capacities, splitsRoot: splitsRoot)
    }

    /// The plan for the shards under some nodes.
    ///
    /// - Parameters:
    ///   - tree: The summation tree of the batch.
    ///   - sums: The nodes whose sums are wanted, without common leaves; at least one. No worker gets an ancestor of one.
    ///   - capacities: The number of processes of each worker, at least 1; at least one worker.
    ///   - splitsRoot: Whether one worker that gets all shards gets the root's two children in place of the root.
    package init(tree: SummationTree, nodes sums: [NodeID], capacities: [Int], splitsRoot: Bool = false) {
        let workers = capacities.count
        precondition(workers >= 1, "at least one worker, not \(workers)")
        let sums = sums.sorted { tree.leaves(of: $0).lowerBound < tree.leaves(of: $1).lowerBound }
        let leaves = sums.map { tree.leaves(of: $0) }
        let count = leaves.map(\.count).reduce(0, +)
        let active = min(workers, count)
        let search = CutSearch(tree: tree, nodes: sums, capacities: Array(capacities.prefix(active)))
        let cuts = search.cuts()
        var nodes: [[NodeID]] = []
        nodes.reserveCapacity(workers)
        for (start, end) in zip([0] + cuts, cuts + [count]) {
            var covering: [NodeID] = []
            var first = 0
            for (sum, own) in zip(sums, leaves) {
                // Positions count the leaves of all sums; a node's own begin at `first`.
                let wanted = (start..<end).clamped(to: first..<first + own.count)
                let shift = own.lowerBound - first
                first += own.count
                guard !wanted.isEmpty else { continue }
                covering += tree.nodes(
                    coveringLeaves: wanted.lowerBound + shift..<wanted.upperBound + shift, under: sum)
            }
            nodes.append(covering == [tree.root] ? tree.nodes(coveringAll: splitsRoot) : covering)
        }
        nodes.append(contentsOf: repeatElement([], count: workers - active))
        self.nodes = nodes
        self.maximumSamples = search.maximumSamples
        self.samples = sums.map { tree.samples(of: $0).count }.reduce(0, +)
        self.processes = capacities.reduce(0, +)
    }
}

/// Who computes which nodes of a tree: every worker a contiguous range of shards, as whole subtrees.
///
/// The cuts minimise the most samples that a worker gets (the step waits for that worker), then the number of nodes
/// (each is a sum that travels). As many workers as there are non-empty shards get some; the others are spares.
/// The plan decides who computes, never what comes out.
package struct AssignmentPlan: Sendable, Equatable {
    /// Each worker's nodes, left to right; none for spares, which come last.
    package let nodes: [[NodeID]]
    /// The most samples that one worker gets.
    package let maximumSamples: Int
    /// The samples in the batch.
    package let samples: Int

    /// The best speedup that this plan allows, divided by the number of workers W: m / (W · ``maximumSamples``).
    package var efficiency: Double {
        Double(samples) / (Double(nodes.count) * Double(maximumSamples))
    }

    /// - Parameters:
    ///   - tree: The batch that is to be computed.
    ///   - workers: W, at least 1.
    ///   - splitsRoot: Whether a worker that gets all shards gets them as the root's two children.
    package init(tree: SummationTree, workers: Int, splitsRoot: Bool = false) {
        precondition(workers >= 1, "at least one worker, not \(workers)")
        let active = min(workers, tree.leaves.count)
        let search = CutSearch(tree: tree, ranges: active)
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
    }
}

/// The search for the cuts of an ``AssignmentPlan``: exact, by dynamic programming.
///
/// A cut at c lies before leaf c, 0 < c < L; k cuts make k + 1 non-empty ranges of leaves. The search is quick because
/// exactly one cut lies between the two children of each inner node: cuts *are* inner nodes. A cut *breaks* its own
/// node and all ancestors of it: no worker can compute a broken node whole. A binary tree with n broken nodes falls into
/// n + 1 whole subtrees, so the search minimises the number of broken nodes. In ascending order, cut c breaks
///
///     level(c) - level(lowest common ancestor of c and the cut b before it),
///
/// nodes more than the cuts before it, and that ancestor is the node with the lowest level among the cuts b...c.
///
/// A range for several processes is cut again: each process gets one *part*. So the smallest maximum
/// depends on the number of processes alone, not on which of them share a range.
struct CutSearch {
    /// The number of samples in the largest part, minimised.
    let maximumSamples: Int

    /// The number of parts of each range.
    private let capacities: [Int]
    private var ranges: Int { capacities.count }
    /// The number of samples before each leaf; the last entry is the number of all samples. Ascending.
    private let starts: [Int]
    /// The level of each cut's inner node, 1 at the root; 0 before the first leaf, where no node is broken.
    private let levels: [Int]
    /// Before each leaf, and after the last: where the longest part begins that ends there.
    private let partStarts: [Int]

    /// - Parameters:
    ///   - tree: The tree whose leaves are cut into ranges.
    ///   - nodes: The nodes whose leaves are cut, left to right, without common leaves.
    ///   - capacities: The number of parts of each range, at least 1; at most as many ranges as leaves.
    init(tree: SummationTree, nodes: [NodeID], capacities: [Int]) {
        var levels = Array(repeating: 0, count: tree.leaves.count)
        Self.enterLevels(under: tree.root, level: 1, of: tree, into: &levels)
        var starts = [0]
        var wanted: [Int] = []
        for leaf in nodes.flatMap({ tree.leaves(of: $0) }) {
            starts.append(starts[starts.count - 1] + tree.samples(of: tree.leaves[leaf]).count)
            wanted.append(levels[leaf])
        }
        levels = wanted
        levels[0] = 0
        let maximum = Self.leastMaximum(starts, parts: capacities.reduce(0, +))
        self.capacities = capacities
        self.starts = starts
        self.levels = levels
        maximumSamples = maximum
        var partStarts: [Int] = []
        for end in starts.indices {
            var start = partStarts.last ?? 0
            while starts[end] - starts[start] > maximum { start += 1 }
            partStarts.append(start)
        }
        self.partStarts = partStarts
    }

    private static func enterLevels(under id: NodeID, level: Int, of tree: SummationTree, into levels: inout [Int]) {
        guard let (left, right) = tree.children(of: id) else { return }
        levels[tree.leaves(of: right).lowerBound] = level
        enterLevels(under: left, level: level + 1, of: tree, into: &levels)
        enterLevels(under: right, level: level + 1, of: tree, into: &levels)
    }

    // MARK: - The largest part

    /// The smallest maximum of samples for which this many parts suffice, by bisection.
    private static func leastMaximum(_ starts: [Int], parts: Int) -> Int {
        var tooSmall = 0
        var enough = starts[starts.count - 1]
        while enough - tooSmall > 1 {
            let maximum = tooSmall + (enough - tooSmall) / 2
            if reach(starts, capacities: [parts], maximum: maximum).last == starts.count - 1 {
                enough = maximum
            } else {
                tooSmall = maximum
            }
        }
        return enough
    }

    /// The leaf that the first 0, 1, 2, ... ranges reach at most: each part is filled up, from the left.
    private static func reach(_ starts: [Int], capacities: some Sequence<Int>, maximum: Int) -> [Int] {
        var reached = [0]
        var end = 0
        for capacity in capacities {
            for _ in 0..<capacity {
                let start = end
                while end < starts.count - 1 && starts[end + 1] - starts[start] <= maximum { end += 1 }
            }
            reached.append(end)
        }
        return reached
    }

    // MARK: - The fewest tree nodes

    /// The `ranges - 1` cuts, ascending, that break the fewest nodes while no range exceeds ``maximumSamples``.
    func cuts() -> [Int] {
        guard ranges > 1 else { return [] }
        let positions = cutPositions()
        // For each position of the k-th cut: the fewest nodes that the first k cuts break.
        var broken = [0]
        // For each k and position: the (k-1)-th cut that reaches this minimum.
        var previous: [[Int]] = [[0]]
        for k in 1..<ranges {
            let step = extend(broken, at: positions[k - 1], to: positions[k], parts: capacities[k - 1])
            broken = step.broken
            previous.append(step.previous)
        }

        var best = 0
        for position in broken.indices where broken[position] < broken[best] { best = position }
        var cut = positions[ranges - 1].lowerBound + best
        var cuts: [Int] = []
        for k in stride(from: ranges - 1, to: 0, by: -1) {
            cuts.append(cut)
            cut = previous[k][cut - positions[k].lowerBound]
        }
        return cuts.reversed()
    }

    /// The possible positions of the k-th cut, for k = 0 (the start) to `ranges` - 1: the leaves on both sides fit into
    /// their number of ranges, and no range is empty or too large.
    ///
    /// Filling ranges from the left gives the last such position, filling them from the right the first. Every position
    /// between is possible, because cutting a range makes none larger.
    private func cutPositions() -> [ClosedRange<Int>] {
        let leaves = levels.count
        let total = starts[leaves]
        let last = Self.reach(starts, capacities: capacities, maximum: maximumSamples)
        let mirrored = Self.reach(
            starts.reversed().map { total - $0 }, capacities: capacities.reversed(), maximum: maximumSamples)
        return (0..<ranges).map { k in
            max(k, leaves - mirrored[ranges - k])...min(leaves - (ranges - k), last[k])
        }
    }

    /// One step of the dynamic programme: from the minima of one cut's positions to the minima of the next cut's. The range
    /// between the two cuts has so many parts.
    private func extend(
        _ broken: [Int], at positions: ClosedRange<Int>, to next: ClosedRange<Int>, parts: Int
    ) -> (broken: [Int], previous: [Int]) {
        var extended = Array(repeating: Int.max, count: next.count)
        var previous = Array(repeating: 0, count: next.count)
        for c in next {
            var ancestorLevel = levels[c]
            let first = (0..<parts).reduce(c) { end, _ in partStarts[end] }
            for b in stride(from: c - 1, through: positions.lowerBound, by: -1) {
                guard b >= first else { break }
                ancestorLevel = min(ancestorLevel, levels[b])
                guard b <= positions.upperBound else { continue }
                let total = broken[b - positions.lowerBound] + levels[c] - ancestorLevel
                if total < extended[c - next.lowerBound] {
                    extended[c - next.lowerBound] = total
                    previous[c - next.lowerBound] = b
                }
            }
        }
        return (extended, previous)
    }
}

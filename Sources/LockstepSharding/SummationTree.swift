/// The cut of one batch into shards, and the order in which the gradients of the shards are added.
///
/// Shard i of S holds the samples [i·m/S, (i+1)·m/S) of a batch of m, rounded down; it may be empty. The shards' sums
/// are added in a binary tree: node [a, b) splits at (a+b)/2, rounded down, and a node with one non-empty child *is*
/// that child. So floating-point sums depend on S and m alone, not on the number of workers or the order in which
/// partial sums arrive.
///
///     5 shards:     1 [0, 5)          9 samples: shards of 1, 2, 2, 2, 2
///                  /        \         2 samples: shards 2 and 4 have one each, so the nodes
///             2 [0, 2)      3 [2, 5)             are 3 (the root), 6 and 15
///              /    \        /    \
///             4      5      6    7 [3, 5)
///                                 /   \
///                               14     15
///
/// A node that is no other node's only non-empty child is *canonical*. All methods except ``contains(_:)`` take and
/// return canonical nodes. Every query is a look-up in a table that is built once per batch size.
package struct SummationTree: Sendable, Equatable, CustomStringConvertible {
    /// The largest number of shards. It bounds every table and message that lists tree nodes.
    package static let maximumShards = 1024

    /// The number of shards, empty ones included.
    package let shards: Int
    /// The number of samples in the batch.
    package let samples: Int
    /// The canonical node over all samples: the sum that the optimizer uses.
    package let root: NodeID
    /// The canonical nodes of single shards, in the samples' order; shards without samples have none.
    package let leaves: [NodeID]
    /// The number of levels: the most nodes on a path from the root to a leaf, both included.
    package let depth: Int

    /// Nodes by raw value; `.absent` where there is no canonical node.
    private let nodes: [Node]

    /// Makes the tree of a batch.
    ///
    /// - Parameters:
    ///   - shards: S, 1 to ``maximumShards``.
    ///   - samples: m, at least 1; S·m need not fit in an `Int`.
    package init(shards: Int, samples: Int) {
        precondition((1...Self.maximumShards).contains(shards), "1 to \(Self.maximumShards) shards, not \(shards)")
        precondition(samples >= 1, "a batch has at least one sample, not \(samples)")
        var builder = Builder(shards: shards, samples: samples)
        let root = builder.build(NodeID.root.rawValue, over: 0..<shards)
        self.shards = shards
        self.samples = samples
        self.root = NodeID(rawValue: root)
        self.leaves = builder.leaves
        self.depth = builder.depth(from: root)
        self.nodes = builder.nodes
    }

    /// Trees with the same shards and samples have the same tables.
    package static func == (first: SummationTree, second: SummationTree) -> Bool {
        first.shards == second.shards && first.samples == second.samples
    }

    package var description: String { "\(samples) samples in \(shards) shards" }

    /// The most nodes that a worker holds in a step: its range of leaves consists of at most two nodes on each level below
    /// the root, and one more may be reassigned to it.
    package static func maximumNodesOfWorker(shards: Int) -> Int {
        2 * (Int.bitWidth - (shards - 1).leadingZeroBitCount) + 1
    }

    // MARK: - Shards

    /// The samples of one shard, as positions in the batch: [i·m/S, (i+1)·m/S), rounded down.
    package static func samples(ofShard i: Int, of shards: Int, in samples: Int) -> Range<Int> {
        start(ofShard: i, of: shards, in: samples)..<start(ofShard: i + 1, of: shards, in: samples)
    }

    /// i·m/S rounded down, without the product: with m = q·S + r it is i·q + i·r/S.
    private static func start(ofShard i: Int, of shards: Int, in samples: Int) -> Int {
        let (quotient, remainder) = samples.quotientAndRemainder(dividingBy: shards)
        return i * quotient + i * remainder / shards
    }

    /// The number of non-empty shards before shard i. With up to S samples each sample has its own shard; with S or more
    /// every shard has samples.
    private static func leaves(beforeShard i: Int, of shards: Int, in samples: Int) -> Int {
        min(i, start(ofShard: i, of: shards, in: samples))
    }

    // MARK: - Nodes

    /// One more than the largest raw value that a node can have with this number of shards: the size of a table.
    package var nodeLimit: Int { nodes.count }

    /// Whether this is a canonical node of this tree. Total: any raw value is allowed, a peer may have sent it.
    package func contains(_ id: NodeID) -> Bool {
        id.rawValue < UInt32(nodes.count) && !nodes[Int(id.rawValue)].leaves.isEmpty
    }

    /// The shards under a node, empty ones included.
    package func shards(of id: NodeID) -> Range<Int> {
        let shards = node(id).shards
        return Int(shards.lowerBound)..<Int(shards.upperBound)
    }

    /// The samples under a node, as positions in the batch; never empty.
    package func samples(of id: NodeID) -> Range<Int> {
        let shards = shards(of: id)
        let start = Self.start(ofShard: shards.lowerBound, of: self.shards, in: samples)
        return start..<Self.start(ofShard: shards.upperBound, of: self.shards, in: samples)
    }

    /// The leaves under a node, as positions in ``leaves``; never empty.
    package func leaves(of id: NodeID) -> Range<Int> {
        let leaves = node(id).leaves
        return Int(leaves.lowerBound)..<Int(leaves.upperBound)
    }

    /// The two tree nodes whose sum this node is, the left one first; nil for a leaf.
    package func children(of id: NodeID) -> (left: NodeID, right: NodeID)? {
        let node = node(id)
        return node.left == 0 ? nil : (NodeID(rawValue: node.left), NodeID(rawValue: node.right))
    }

    /// The tree node that this node is a summand of: its nearest ancestor with two non-empty children; nil for the root.
    package func parent(of id: NodeID) -> NodeID? {
        let parent = node(id).parent
        return parent == 0 ? nil : NodeID(rawValue: parent)
    }

    /// The index of the buffer that holds a node's sum, less than ``shards``: the index of its first non-empty shard.
    ///
    /// A node shares the slot of its left child, so `left += right` adds in place.
    package func slot(of id: NodeID) -> Int {
        shards(of: leaves[Int(node(id).leaves.lowerBound)]).lowerBound
    }

    /// The fewest tree nodes that cover exactly the samples of these shards.
    ///
    /// - Parameter shards: A subrange of 0..<``shards``.
    /// - Returns: The nodes, left to right; none if the shards have no samples.
    package func nodes(covering shards: Range<Int>) -> [NodeID] {
        precondition(shards.lowerBound >= 0 && shards.upperBound <= self.shards, "no shards \(shards)")
        let first = Self.leaves(beforeShard: shards.lowerBound, of: self.shards, in: samples)
        let end = Self.leaves(beforeShard: shards.upperBound, of: self.shards, in: samples)
        return nodes(coveringLeaves: first..<end)
    }

    /// The fewest tree nodes that cover the leaves at these positions in ``leaves``, left to right.
    package func nodes(coveringLeaves wanted: Range<Int>) -> [NodeID] {
        nodes(coveringLeaves: wanted, under: root)
    }

    /// The fewest tree nodes that cover the leaves at these positions that lie under a node, left to right.
    func nodes(coveringLeaves wanted: Range<Int>, under node: NodeID) -> [NodeID] {
        var found: [NodeID] = []
        cover(wanted, from: node, into: &found)
        return found
    }

    /// Whether these are nodes of this tree that have no leaf in common. Total: any raw values are allowed, a peer may have
    /// sent them.
    package func areDisjoint(_ nodes: [NodeID]) -> Bool {
        guard nodes.allSatisfy(contains) else { return false }
        let ranges = nodes.map { leaves(of: $0) }.sorted { $0.lowerBound < $1.lowerBound }
        return zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound }
    }

    /// The tree nodes that cover all samples: the root or, if `splitsRoot` and it has children, its two children.
    package func nodes(coveringAll splitsRoot: Bool) -> [NodeID] {
        guard splitsRoot, let (left, right) = children(of: root) else { return [root] }
        return [left, right]
    }

    private func cover(_ wanted: Range<Int>, from id: NodeID, into found: inout [NodeID]) {
        let own = leaves(of: id)
        guard own.overlaps(wanted) else { return }
        if wanted.lowerBound <= own.lowerBound && own.upperBound <= wanted.upperBound {
            found.append(id)
        } else if let (left, right) = children(of: id) {
            cover(wanted, from: left, into: &found)
            cover(wanted, from: right, into: &found)
        }
    }

    private func node(_ id: NodeID) -> Node {
        precondition(contains(id), "\(id) is not in this tree")
        return nodes[Int(id.rawValue)]
    }
}

// MARK: - The table

extension SummationTree {
    private struct Node: Sendable {
        var shards: Range<UInt16>
        /// Positions in ``SummationTree/leaves``; empty if there is no canonical node.
        var leaves: Range<UInt16>
        /// Canonical children and parent by raw value; 0 if there is none.
        var left: UInt32 = 0
        var right: UInt32 = 0
        var parent: UInt32 = 0

        static let absent = Node(shards: 0..<0, leaves: 0..<0)
    }

    private struct Builder {
        let shards: Int
        let samples: Int
        var nodes: [Node]
        var leaves: [NodeID] = []

        init(shards: Int, samples: Int) {
            self.shards = shards
            self.samples = samples
            // Halving S shards down to one takes ceil(log2 S) levels under the root.
            var limit = 2
            while limit < 2 * shards { limit *= 2 }
            nodes = Array(repeating: .absent, count: limit)
        }

        /// Adds the nodes from `id` down; returns the canonical node that `id` is equal to, or 0 if it has no samples.
        mutating func build(_ id: UInt32, over range: Range<Int>) -> UInt32 {
            let firstLeaf = leaves.count
            var left: UInt32 = 0
            var right: UInt32 = 0
            if range.count == 1 {
                let empty = SummationTree.samples(ofShard: range.lowerBound, of: shards, in: samples).isEmpty
                guard !empty else { return 0 }
                leaves.append(NodeID(rawValue: id))
            } else {
                let middle = (range.lowerBound + range.upperBound) / 2
                left = build(2 * id, over: range.lowerBound..<middle)
                right = build(2 * id + 1, over: middle..<range.upperBound)
                guard left != 0 else { return right }
                guard right != 0 else { return left }
                nodes[Int(left)].parent = id
                nodes[Int(right)].parent = id
            }
            nodes[Int(id)] = Node(
                shards: UInt16(range.lowerBound)..<UInt16(range.upperBound),
                leaves: UInt16(firstLeaf)..<UInt16(leaves.count),
                left: left, right: right)
            return id
        }

        func depth(from id: UInt32) -> Int {
            let node = nodes[Int(id)]
            return node.left == 0 ? 1 : 1 + max(depth(from: node.left), depth(from: node.right))
        }
    }
}

/// The tree nodes whose sums have arrived, in each of several independent lanes, and the additions that are now possible.
///
/// A lane is one chunk of the parameters: its gradients arrive and are added independently of other chunks. Tree nodes
/// arrive in any order. Because several workers may compute the same node, a node may arrive twice, or after its parts.
/// Every node counts once, and additions have one fixed order: a parent is the sum of its children once both are known.
/// This type holds no floats; the caller adds them in the callback of ``insert(_:lane:add:)``.
package struct TreeArrivals: Sendable {
    /// The effect of an arrival.
    package enum Outcome: Sendable, Equatable {
        /// The node or an ancestor of it is already known. The caller must not read its data.
        case duplicate
        /// The node counts; the sum that it is part of is still unknown.
        case pending
        /// The node counts, and the sum that it is part of is now known: the root of the lane, or one of the nodes that are
        /// wanted.
        case complete
    }

    /// The number of independent lanes.
    package let lanes: Int

    private var tree: SummationTree?
    /// The generation in which each node became known, [lanes, stride]; a node is known if it equals `generation`.
    private var stamps: [UInt64] = []
    private var stride = 0
    private var generation: UInt64 = 0
    /// The generation in which each node was a sum that is wanted, where not the root alone is; otherwise empty.
    private var sums: [UInt64] = []

    /// - Parameter lanes: The number of independent lanes, at least 1.
    package init(lanes: Int) {
        precondition(lanes >= 1, "at least one lane, not \(lanes)")
        self.lanes = lanes
    }

    /// Starts a step: no node is known in any lane.
    ///
    /// Incrementing the generation forgets all nodes at once. Allocates only for a tree with more nodes than any before.
    ///
    /// - Parameters:
    ///   - tree: The step's tree.
    ///   - wanted: The nodes whose sums are wanted, without common leaves; empty: the root alone. Additions end there.
    package mutating func begin(_ tree: SummationTree, sums wanted: [NodeID] = []) {
        self.tree = tree
        if tree.nodeLimit > stride {
            stride = tree.nodeLimit
            stamps = Array(repeating: 0, count: lanes * stride)
        }
        generation += 1
        guard !wanted.isEmpty else { return }
        if sums.count < stride { sums = Array(repeating: 0, count: stride) }
        for node in wanted { sums[Int(node.rawValue)] = generation }
    }

    /// Whether additions end with a node because its own sum is wanted.
    private func isWanted(_ node: NodeID) -> Bool {
        let index = Int(node.rawValue)
        return index < sums.count && sums[index] == generation
    }

    /// Whether the sum of a node, or of an ancestor of it, has arrived or has been added up.
    ///
    /// - Parameters:
    ///   - node: A node of the current tree.
    ///   - lane: Less than ``lanes``.
    /// - Returns: Whether another arrival of the node would be a duplicate.
    package func isKnown(_ node: NodeID, lane: Int) -> Bool {
        let tree = currentTree
        var ancestor: NodeID? = node
        while let id = ancestor {
            if isMarked(id, lane: lane) { return true }
            ancestor = tree.parent(of: id)
        }
        return false
    }

    /// Whether a node became known as the sum of its children, and not by an arrival of its own.
    package func isSum(_ node: NodeID, lane: Int) -> Bool {
        guard let (left, right) = currentTree.children(of: node) else { return false }
        return isMarked(left, lane: lane) && isMarked(right, lane: lane)
    }

    /// Marks a node that has arrived, then every sum that it completes.
    ///
    /// - Parameters:
    ///   - node: A node of the current tree; the caller has checked a peer's node with ``SummationTree/contains(_:)``.
    ///   - lane: Less than ``lanes``.
    ///   - add: Called bottom-up for each sum that is now possible: `parent = left + right`. Never called for a
    ///     duplicate.
    /// - Returns: Whether the arrival counts, and whether the lane is now complete.
    package mutating func insert(
        _ node: NodeID, lane: Int, add: (_ parent: NodeID, _ left: NodeID, _ right: NodeID) -> Void
    ) -> Outcome {
        if isKnown(node, lane: lane) { return .duplicate }
        let tree = currentTree
        mark(node, lane: lane)
        var known = node
        while !isWanted(known), let parent = tree.parent(of: known) {
            guard let (left, right) = tree.children(of: parent) else { break }
            // No ancestor is known, so a sibling is known only if it is marked itself.
            guard isMarked(left, lane: lane) && isMarked(right, lane: lane) else { return .pending }
            add(parent, left, right)
            mark(parent, lane: lane)
            known = parent
        }
        return .complete
    }

    private var currentTree: SummationTree {
        guard let tree else { preconditionFailure("begin(_:) comes before the first arrival") }
        return tree
    }

    private func isMarked(_ node: NodeID, lane: Int) -> Bool {
        stamps[index(of: node, lane: lane)] == generation
    }

    private mutating func mark(_ node: NodeID, lane: Int) {
        stamps[index(of: node, lane: lane)] = generation
    }

    private func index(of node: NodeID, lane: Int) -> Int {
        precondition((0..<lanes).contains(lane), "\(lanes) lanes, no lane \(lane)")
        return lane * stride + Int(node.rawValue)
    }
}

/// Which nodes of a tree are known, in each of several independent lanes, and what can be added up because of it.
///
/// A lane is one chunk of the parameters: its gradients arrive and are added independently of the other chunks'. Nodes
/// arrive in any order, some more than once, some whole after parts of them, for a node may have been given to several
/// workers. This counts each once and names the additions in the only order there is: a parent is the sum of its
/// children once both are known. It holds no numbers; the caller adds them in `insert`'s callback.
package struct TreeArrivals: Sendable {
    /// What an arrival changed.
    package enum Outcome: Sendable, Equatable {
        /// The node, or one that contains it, was known already. Its data must not be looked at.
        case duplicate
        /// The node counts; the lane's root is still unknown.
        case pending
        /// The node counts, and with it the root of the lane became known.
        case complete
    }

    /// The number of independent lanes.
    package let lanes: Int

    private var tree: SummationTree?
    /// The step in which a node became known, [lanes, stride]; a node is known now if that step is `generation`.
    private var stamps: [UInt64] = []
    private var stride = 0
    private var generation: UInt64 = 0

    /// - Parameter lanes: How many copies of the tree are followed; at least 1.
    package init(lanes: Int) {
        precondition(lanes >= 1, "at least one lane, not \(lanes)")
        self.lanes = lanes
    }

    /// Starts a step: nothing is known in any lane.
    ///
    /// Forgets by counting up a generation, so it costs nothing and allocates only for the first tree and for one with
    /// more nodes than any before.
    package mutating func begin(_ tree: SummationTree) {
        self.tree = tree
        if tree.nodeLimit > stride {
            stride = tree.nodeLimit
            stamps = Array(repeating: 0, count: lanes * stride)
        }
        generation += 1
    }

    /// Whether a node's sum has arrived or been added up, or is part of one that has.
    ///
    /// - Parameters:
    ///   - node: A node of the tree last begun.
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

    /// Marks a node that has arrived, then all sums that it completes.
    ///
    /// - Parameters:
    ///   - node: A node of the tree last begun; what peers send must have passed ``SummationTree/contains(_:)``.
    ///   - lane: Less than ``lanes``.
    ///   - add: Called bottom-up for each sum that can now be made: `parent = left + right`. Never called for a
    ///     duplicate.
    /// - Returns: Whether the arrival counts, and whether it was the last that the lane needed.
    package mutating func insert(
        _ node: NodeID, lane: Int, add: (_ parent: NodeID, _ left: NodeID, _ right: NodeID) -> Void
    ) -> Outcome {
        if isKnown(node, lane: lane) { return .duplicate }
        let tree = currentTree
        mark(node, lane: lane)
        var known = node
        while let parent = tree.parent(of: known) {
            guard let (left, right) = tree.children(of: parent) else { break }
            // No ancestor is known, so a sibling can only be known by its own mark.
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

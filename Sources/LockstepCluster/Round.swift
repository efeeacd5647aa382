import LockstepSharding

/// One step's or one evaluation's work: what nobody has been given, and what is not answered.
struct Round: Sendable {
    enum Work: Sendable {
        case step(SummationTree)
        case evaluation
    }

    let work: Work
    /// The step, or the version of the weights that are evaluated.
    let step: UInt64
    /// Units that wait for a worker, in the order of their numbers.
    var pending: [UInt32]
    /// Blocks of an evaluation that are not answered.
    var unanswered: Set<UInt32> = []
    var isComplete = false

    var kind: WorkUnit.Kind {
        switch work {
        case .step: .node
        case .evaluation: .block
        }
    }

    /// Units that one worker may hold at a time. A block is given out while the one before is computed, so that
    /// nobody waits for a message; a node is given again only to a worker that has answered everything.
    var window: Int {
        switch work {
        case .step: 1
        case .evaluation: 2
        }
    }

    /// Cuts the largest pending nodes into their children until there are `count` units, or only leaves.
    mutating func split(to count: Int) {
        guard case .step(let tree) = work else { return }
        while pending.count < count {
            let splittable = pending.indices.filter { tree.children(of: NodeID(rawValue: pending[$0])) != nil }
            let size = { (index: Int) in tree.samples(of: NodeID(rawValue: pending[index])).count }
            guard
                let largest = splittable.max(by: { size($0) < size($1) }),
                let (left, right) = tree.children(of: NodeID(rawValue: pending[largest]))
            else { return }
            pending.replaceSubrange(largest...largest, with: [left.rawValue, right.rawValue])
        }
    }
}

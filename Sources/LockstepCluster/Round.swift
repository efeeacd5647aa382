import LockstepSharding
import LockstepTimeline

/// One step's or one evaluation's work: what nobody has been given, and what is not answered.
struct Round: Sendable {
    enum Work: Sendable {
        case step(SummationTree)
        case evaluation
    }

    let work: Work
    /// The step, or the version of the weights that are evaluated.
    let step: UInt64
    /// Items that wait for a worker, in the order of their numbers.
    var pending: [UInt32]
    /// Blocks of an evaluation that are not answered.
    var unanswered: Set<UInt32> = []
    /// The second copies of a step that is audited.
    var audit: Audit?
    /// The instant before which no item is late.
    var nextLate: Instant?
    var isComplete = false

    var kind: WorkItem.Kind {
        switch work {
        case .step: .node
        case .evaluation: .block
        }
    }

    /// Items that one worker may hold at a time. A block is given out while the one before is computed, so that
    /// nobody waits for a message; a node is given again only to a worker that has answered everything.
    var window: Int {
        switch work {
        case .step: 1
        case .evaluation: 2
        }
    }

    /// Whether an item belongs to this round.
    func includes(_ item: WorkItem) -> Bool {
        kind == item.kind && step == item.step
    }

    func item(_ number: UInt32) -> WorkItem {
        WorkItem(kind: kind, step: step, number: number)
    }

    /// How much of an item there is, as ``Assignment/sampleCount``.
    func sampleCount(of number: UInt32) -> Int {
        switch work {
        case .step(let tree): number == 0 ? 0 : tree.samples(of: NodeID(rawValue: number)).count
        case .evaluation: 1
        }
    }

    /// Cuts the largest pending nodes into their children until there are `count` items, or only leaves. In an audit
    /// copies are compared node by node, so nodes stay whole.
    mutating func split(to count: Int) {
        guard case .step(let tree) = work, audit == nil else { return }
        while pending.count < count {
            var largest: (index: Int, samples: Int, halves: [UInt32])?
            for (index, number) in pending.enumerated() {
                let node = NodeID(rawValue: number)
                let samples = tree.samples(of: node).count
                guard samples > largest?.samples ?? 0, let (left, right) = tree.children(of: node) else { continue }
                largest = (index, samples, [left.rawValue, right.rawValue])
            }
            guard let largest else { return }
            pending.replaceSubrange(largest.index...largest.index, with: largest.halves)
        }
    }
}

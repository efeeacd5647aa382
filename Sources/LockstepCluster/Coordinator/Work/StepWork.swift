import LockstepSharding

/// The work of one step or one evaluation: which items are pending, and whether all are answered.
struct StepWork: Sendable {
    enum Content: Sendable {
        case step(SummationTree)
        case evaluation
    }

    let content: Content
    /// The nodes of a step whose sums are wanted; empty: the root alone.
    let sums: [NodeID]
    /// The number of these sums that are not known.
    private var missingSums: Int
    /// The step, or the version of the weights under evaluation.
    let step: UInt64
    /// Items that wait for a worker, in the order of their numbers.
    private(set) var pending: [UInt32] = []
    /// The unanswered blocks of an evaluation.
    private var unanswered: Set<UInt32> = []
    /// The copies of an audited step's nodes; nil for a step that is not audited, and for an evaluation.
    var audit: AuditRound?
    private(set) var isComplete = false

    /// The work of a step, without pending items.
    init(step: UInt64, tree: SummationTree, sums: [NodeID] = [], isAudited: Bool) {
        self.content = .step(tree)
        self.step = step
        self.sums = sums
        self.missingSums = max(1, sums.count)
        if isAudited { audit = AuditRound() }
    }

    /// The work of an evaluation, whose blocks are all pending.
    init(evaluationOf version: UInt64, blocks: [UInt32]) {
        self.content = .evaluation
        self.step = version
        self.sums = []
        self.missingSums = 0
        self.pending = blocks
        self.unanswered = Set(blocks)
        self.isComplete = blocks.isEmpty
    }

    // MARK: - Items

    var kind: WorkItem.Kind {
        switch content {
        case .step: .node
        case .evaluation: .block
        }
    }

    /// The number of items that one worker may hold at a time. A worker gets its next block while it computes one, so
    /// that it never waits for a message; an aggregator, for each of its processes. A worker gets a pending tree node only
    /// once it has answered everything.
    static func itemsPerWorker(_ kind: WorkItem.Kind, processes: Int) -> Int {
        switch kind {
        case .node: 1
        case .block: 2 * processes
        }
    }

    /// Whether an item belongs to this work. A node that is part of no wanted sum belongs to an earlier assignment of the
    /// same step.
    func includes(_ item: WorkItem) -> Bool {
        guard kind == item.kind, step == item.step else { return false }
        guard !sums.isEmpty, item.isWork, case .step(let tree) = content else { return true }
        guard tree.contains(item.node) else { return false }
        let leaf = tree.leaves(of: item.node).lowerBound
        return sums.contains { tree.leaves(of: $0).contains(leaf) }
    }

    func item(_ number: UInt32) -> WorkItem {
        WorkItem(kind: kind, step: step, number: number)
    }

    /// The samples of an item, as ``Assignment/sampleCount``.
    func sampleCount(of number: UInt32) -> Int {
        switch content {
        case .step(let tree): number == 0 ? 0 : tree.samples(of: NodeID(rawValue: number)).count
        case .evaluation: 1
        }
    }

    // MARK: - Pending items

    mutating func enqueue(_ number: UInt32) {
        pending.append(number)
    }

    mutating func sortPending() {
        pending.sort()
    }

    mutating func dequeue(at position: Int) -> UInt32 {
        pending.remove(at: position)
    }

    /// Removes every copy of an item from the pending items.
    mutating func removePending(_ number: UInt32) {
        pending.removeAll { $0 == number }
    }

    /// Splits the largest pending nodes into their children until `count` items are pending, or until all are leaves.
    /// An audit compares copies node by node, so it splits none.
    mutating func split(to count: Int) {
        guard case .step(let tree) = content, audit == nil else { return }
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

    // MARK: - Completion

    func isAnswered(block number: UInt32) -> Bool {
        !unanswered.contains(number)
    }

    /// Counts a block as answered.
    mutating func complete(block number: UInt32) {
        unanswered.remove(number)
        if unanswered.isEmpty { isComplete = true }
    }

    /// Counts a sum that is wanted as known.
    mutating func completeSum() {
        missingSums -= 1
        if missingSums <= 0 { isComplete = true }
    }

    /// Adds blocks to an evaluation.
    mutating func add(_ blocks: [UInt32]) {
        for number in blocks where unanswered.insert(number).inserted {
            pending.append(number)
            isComplete = false
        }
    }

    /// Has the coordinator compute everything that is not answered, which completes the work.
    mutating func computeHere(into actions: inout [CoordinatorAction]) {
        switch content {
        case .step(let tree):
            let nodes = sums.isEmpty ? [tree.root] : sums
            for node in nodes { actions.append(.computeHere(item(node.rawValue))) }
        case .evaluation:
            for number in unanswered.sorted() { actions.append(.computeHere(item(number))) }
        }
        audit = nil
        pending.removeAll()
        isComplete = true
    }
}

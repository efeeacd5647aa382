import LockstepSharding

/// The work under way and its distribution: which items wait, which are answered, and which member gets which next.
///
/// A step's tree nodes are handed out at once, by a plan that gives every worker a contiguous part of the mini-batch. What
/// a lost worker leaves behind waits here for the next idle one; if several are idle, waiting nodes are split into their
/// children, so that all of them have work. An evaluation's blocks all wait, and are handed out as members answer.
///
/// This part decides; the machine carries out what it decides, and tells it what came back.
struct Assignments: ~Copyable, Sendable {
    /// A plan depends on the mini-batch's samples and on the number of workers that share them.
    private struct PlanKey: Hashable {
        let samples: Int
        let workers: Int
    }

    private let splitsRoot: Bool
    private var work: StepWork?
    /// The tree nodes of the step that are answered.
    private var arrivals = TreeArrivals(lanes: 1)
    private var plans: [PlanKey: AssignmentPlan] = [:]

    /// - Parameter splitsRoot: Whether the coordinator makes the sum over all shards, so that no worker is given the root.
    init(splitsRoot: Bool) {
        self.splitsRoot = splitsRoot
    }

    // MARK: - The work under way

    /// The step, or the version of the weights that are evaluated; nil before the first.
    var step: UInt64? { work?.step }
    var isComplete: Bool { work?.isComplete ?? true }
    var isStep: Bool { work?.kind == .node }
    var isEvaluation: Bool { work?.kind == .block }
    /// Whether copies of the step's nodes are compared before they count.
    var isAudited: Bool { work?.audit != nil }

    mutating func begin(step: UInt64, _ tree: SummationTree, isAudited: Bool) {
        work = StepWork(step: step, tree: tree, isAudited: isAudited)
        arrivals.begin(tree)
    }

    mutating func begin(evaluationOf version: UInt64, blocks: [UInt32]) {
        work = StepWork(evaluationOf: version, blocks: blocks)
    }

    mutating func end() {
        work = nil
    }

    /// Has the coordinator compute everything that is left.
    mutating func computeHere(into actions: inout [CoordinatorAction]) {
        guard !isComplete else { return }
        work?.computeHere(into: &actions)
    }

    // MARK: - Items

    /// Whether an item belongs to the work under way.
    func includes(_ item: WorkItem) -> Bool {
        work?.includes(item) ?? false
    }

    /// Whether an item is a tree node of the step under way.
    func contains(_ item: WorkItem) -> Bool {
        guard case .step(let tree)? = work?.content else { return false }
        return tree.contains(item.node)
    }

    /// Makes the assignment of an item of the work under way; nil if there is none.
    func assignment(_ number: UInt32) -> Assignment? {
        guard let work else { return nil }
        return Assignment(item: work.item(number), sampleCount: work.sampleCount(of: number))
    }

    /// Whether an item of the work needs no answer any more.
    private func isAnswered(_ item: WorkItem) -> Bool {
        switch work?.kind {
        case .node?: arrivals.isKnown(item.node, lane: 0)
        case .block?: work?.isAnswered(block: item.number) ?? true
        case nil: true
        }
    }

    /// Whether another answer to an item of the work would be of use.
    func isWanted(_ item: WorkItem) -> Bool {
        if let audit = work?.audit { return !audit[item.number].isClosed }
        return !isAnswered(item)
    }

    /// Whether an answer of this member to an item that it holds would count.
    func expects(_ item: WorkItem, from member: borrowing Member) -> Bool {
        guard includes(item), item.isWork else { return false }
        if let audit = work?.audit { return audit.needsCopy(of: item.number, from: member.info) }
        return !isAnswered(item)
    }

    // MARK: - Handing out

    /// Plans the step's nodes for so many workers.
    mutating func plan(workers: Int) -> AssignmentPlan? {
        guard case .step(let tree)? = work?.content else { return nil }
        let key = PlanKey(samples: tree.samples, workers: workers)
        if let plan = plans[key] { return plan }
        let plan = AssignmentPlan(tree: tree, workers: workers, splitsRoot: splitsRoot)
        plans[key] = plan
        return plan
    }

    /// Has the whole step wait for a worker, in two copies if it is audited.
    mutating func enqueueWhole() {
        guard case .step(let tree)? = work?.content else { return }
        for node in tree.nodes(coveringAll: splitsRoot) {
            work?.enqueue(node.rawValue)
            if isAudited { work?.enqueue(node.rawValue) }
        }
    }

    /// Has an audited node's second copy wait for a worker.
    mutating func enqueueSecondCopy(of number: UInt32) {
        work?.enqueue(number)
    }

    /// Whether there is anything to hand out.
    var hasPending: Bool {
        guard let work else { return false }
        return !work.isComplete && !work.pending.isEmpty
    }

    /// Takes out the next item that waits, for a member that may get it; members with the fewest items come first.
    ///
    /// - Returns: The item's number and the member's index; nil once no member can be given any.
    mutating func next(for membership: borrowing Membership) -> (number: UInt32, index: Int)? {
        guard hasPending, let itemsPerWorker = work?.itemsPerWorker else { return nil }
        for held in 0..<itemsPerWorker {
            var candidates = 0
            for index in membership.indices where Self.isCandidate(membership[index], held) { candidates += 1 }
            work?.split(to: candidates)
            for index in membership.indices where Self.isCandidate(membership[index], held) {
                guard
                    let position = firstPending(for: index, in: membership),
                    let number = work?.dequeue(at: position)
                else { continue }
                return (number, index)
            }
        }
        return nil
    }

    private static func isCandidate(_ member: borrowing Member, _ held: Int) -> Bool {
        member.isActive && member.queue.count == held
    }

    private func firstPending(for index: Int, in membership: borrowing Membership) -> Int? {
        guard let work else { return nil }
        guard work.audit != nil else { return work.pending.isEmpty ? nil : 0 }
        for (position, number) in work.pending.enumerated() where mayAssign(number, to: index, in: membership) {
            return position
        }
        return nil
    }

    /// Whether a member may be given an item. In an audit no process computes both copies of a node, not even as two
    /// members.
    func mayAssign(_ number: UInt32, to index: Int, in membership: borrowing Membership) -> Bool {
        guard let work, let audit = work.audit else { return true }
        return audit.needsCopy(of: number, from: membership[index].info)
            && !membership.hasHolder(of: work.item(number), in: membership[index].process)
    }

    /// Has the items of a former member wait for another one, those of them that are still needed.
    ///
    /// - Returns: The shards among them whose sums are missing.
    mutating func reclaim(_ assignments: [Assignment], membership: borrowing Membership) -> Int {
        guard case let content? = work?.content, !isComplete else { return 0 }
        var shards = 0
        for assignment in assignments where includes(assignment.item) && assignment.item.isWork {
            let item = assignment.item
            guard isWanted(item), isAudited || !membership.hasHolder(of: item) else { continue }
            if case .step(let tree) = content { shards += tree.leaves(of: item.node).count }
            work?.enqueue(item.number)
        }
        work?.sortPending()
        return shards
    }

    // MARK: - Answers

    /// Counts a member's answer to an item of the work.
    ///
    /// - Returns: The members whose copies of an audited node are to be compared now.
    mutating func receive(_ item: WorkItem, from member: borrowing Member) -> (MemberID, MemberID)? {
        guard includes(item) else { return nil }
        switch item.kind {
        case .node:
            guard item.isWork else { return nil }
            if isAudited { return work?.audit?.addCopy(of: item.number, from: member.info) }
            complete(item)
        case .block:
            work?.complete(block: item.number)
        }
        return nil
    }

    /// Counts a tree node's sum.
    private mutating func complete(_ item: WorkItem) {
        if arrivals.insert(item.node, lane: 0, add: { _, _, _ in }) == .complete { work?.complete() }
    }

    // MARK: - Audits

    /// Whether an item is a node of the audited step under way.
    func isAuditing(_ item: WorkItem) -> Bool {
        includes(item) && isAudited
    }

    /// Whether one copy of a node is there, and a second one is wanted.
    func waitsForSecondCopy(of number: UInt32) -> Bool {
        work?.audit?[number].waitsForSecondCopy ?? false
    }

    /// The waiting second copies that no member can compute: every active member has answered the node, or is busy with
    /// an earlier step, which may take long.
    func secondCopiesWithoutWorker(in membership: borrowing Membership) -> [UInt32] {
        guard let work, let audit = work.audit else { return [] }
        var numbers: [UInt32] = []
        for number in work.pending where audit[number].waitsForSecondCopy {
            var canBeGiven = false
            for index in membership.indices where membership[index].isActive && !canBeGiven {
                canBeGiven =
                    mayAssign(number, to: index, in: membership)
                    && membership[index].queue.assignments.allSatisfy { work.includes($0.item) }
            }
            if !canBeGiven { numbers.append(number) }
        }
        return numbers
    }

    /// Has the coordinator compute an audited node, of which there may be one copy, or two that differ.
    mutating func recompute(_ number: UInt32, into actions: inout [CoordinatorAction]) {
        guard let copies = work?.audit?.close(number), let item = work?.item(number) else { return }
        work?.removePending(number)
        actions.append(.recompute(item, copies: copies))
    }

    /// Counts an audited node, whose copies are equal or which the coordinator has computed.
    mutating func completeAudit(of item: WorkItem) {
        work?.removePending(item.number)
        complete(item)
    }

    /// Discards a faulty member's copies that are not compared yet, and has these nodes wait for another worker.
    mutating func discardCopies(of member: MemberID) {
        for number in work?.audit?.discardCopies(of: member) ?? [] { work?.enqueue(number) }
    }
}

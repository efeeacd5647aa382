import LockstepSharding

/// The work under way and its distribution: which items are pending, which are answered, and which member gets which
/// item next.
///
/// A step's tree nodes are assigned at once, by a plan that gives every worker a contiguous part of the mini-batch. The
/// nodes of a lost worker become pending, and the next idle member gets them. If several members are idle, pending
/// nodes are split into their children so that every idle member gets work. An evaluation's blocks are all pending at
/// first, and are assigned as members answer.
///
/// This part only decides. The machine carries out the decisions and calls this part with every answer.
struct Assignments: ~Copyable, Sendable {
    /// What a plan depends on: the mini-batch's samples and the number of workers that share them.
    private struct PlanKey: Hashable {
        let samples: Int
        let workers: Int
        /// The processes of each worker; empty if each worker is one process.
        let capacities: [Int]
        /// The nodes whose sums are wanted; empty: the root alone.
        let sums: [NodeID]
    }

    /// The most plans that are kept: the nodes that an aggregator is assigned change when a worker elsewhere is lost.
    private static let maximumPlans = 256

    private let splitsRoot: Bool
    private var work: StepWork?
    /// The answered tree nodes of the step.
    private var arrivals = TreeArrivals(lanes: 1)
    private var plans: [PlanKey: AssignmentPlan] = [:]

    /// - Parameter splitsRoot: Whether the coordinator computes the sum over all shards. Then no worker is assigned the
    ///   root.
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

    mutating func begin(step: UInt64, _ tree: SummationTree, nodes: [NodeID] = [], isAudited: Bool) {
        work = StepWork(step: step, tree: tree, sums: nodes, isAudited: isAudited)
        arrivals.begin(tree, sums: nodes)
    }

    mutating func begin(evaluationOf version: UInt64, blocks: [UInt32]) {
        work = StepWork(evaluationOf: version, blocks: blocks)
    }

    /// Adds blocks to an evaluation.
    ///
    /// - Returns: False if another evaluation is under way, or none.
    mutating func add(_ blocks: [UInt32], ofEvaluationOf version: UInt64) -> Bool {
        guard let work, work.kind == .block, work.step == version else { return false }
        self.work?.add(blocks)
        return true
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

    /// The assignment of an item; nil if no work is under way.
    func assignment(_ number: UInt32) -> Assignment? {
        guard let work else { return nil }
        return Assignment(item: work.item(number), sampleCount: work.sampleCount(of: number))
    }

    /// Whether an item of the work is answered.
    private func isAnswered(_ item: WorkItem) -> Bool {
        switch work?.kind {
        case .node?: arrivals.isKnown(item.node, lane: 0)
        case .block?: work?.isAnswered(block: item.number) ?? true
        case nil: true
        }
    }

    /// Whether another answer to an item of the work would count.
    func isWanted(_ item: WorkItem) -> Bool {
        if let audit = work?.audit { return !audit[item.number].isClosed }
        return !isAnswered(item)
    }

    /// Whether this member's answer to an item that it holds would count.
    func expects(_ item: WorkItem, from member: borrowing Member) -> Bool {
        guard includes(item), item.isWork else { return false }
        if let audit = work?.audit { return audit.needsCopy(of: item.number, from: member.info) }
        return !isAnswered(item)
    }

    // MARK: - Assigning

    /// The plan of the step's nodes for so many workers.
    ///
    /// - Parameters:
    ///   - workers: The number of workers.
    ///   - capacities: The number of processes of each; empty if each worker is one process.
    /// - Returns: The plan; nil if no step is under way.
    mutating func plan(workers: Int, capacities: [Int] = []) -> AssignmentPlan? {
        guard case .step(let tree)? = work?.content, let sums = work?.sums else { return nil }
        let key = PlanKey(samples: tree.samples, workers: workers, capacities: capacities, sums: sums)
        if let plan = plans[key] { return plan }
        let plan = AssignmentPlan(
            tree: tree, nodes: sums.isEmpty ? [tree.root] : sums,
            capacities: capacities.isEmpty ? Array(repeating: 1, count: workers) : capacities, splitsRoot: splitsRoot)
        if plans.count >= Self.maximumPlans { plans.removeAll() }
        plans[key] = plan
        return plan
    }

    /// Makes the whole step pending, in two copies if it is audited.
    mutating func enqueueWhole() {
        guard case .step(let tree)? = work?.content, let sums = work?.sums else { return }
        for node in sums.isEmpty ? tree.nodes(coveringAll: splitsRoot) : sums {
            work?.enqueue(node.rawValue)
            if isAudited { work?.enqueue(node.rawValue) }
        }
    }

    /// Makes an audited node's second copy pending.
    mutating func enqueueSecondCopy(of number: UInt32) {
        work?.enqueue(number)
    }

    /// Whether items are pending.
    var hasPending: Bool {
        guard let work else { return false }
        return !work.isComplete && !work.pending.isEmpty
    }

    /// Removes the next pending item and chooses a member that may get it; members with the fewest items come first.
    ///
    /// - Returns: The item's number and the member's index; nil if no member may get a pending item.
    mutating func next(for membership: borrowing Membership) -> (number: UInt32, index: Int)? {
        guard hasPending, let kind = work?.kind else { return nil }
        var most = 0
        for index in membership.indices {
            most = max(most, StepWork.itemsPerWorker(kind, processes: membership[index].capacity))
        }
        for held in 0..<most {
            var candidates = 0
            for index in membership.indices where Self.isCandidate(membership[index], kind, held) { candidates += 1 }
            work?.split(to: candidates)
            for index in membership.indices where Self.isCandidate(membership[index], kind, held) {
                guard
                    let position = firstPending(for: index, in: membership),
                    let number = work?.dequeue(at: position)
                else { continue }
                return (number, index)
            }
        }
        return nil
    }

    private static func isCandidate(_ member: borrowing Member, _ kind: WorkItem.Kind, _ held: Int) -> Bool {
        member.queue.count == held && held < StepWork.itemsPerWorker(kind, processes: member.capacity)
    }

    private func firstPending(for index: Int, in membership: borrowing Membership) -> Int? {
        guard let work else { return nil }
        guard work.audit != nil else { return work.pending.isEmpty ? nil : 0 }
        for (position, number) in work.pending.enumerated() where mayAssign(number, to: index, in: membership) {
            return position
        }
        return nil
    }

    /// Whether a member may get an item. In an audit no process computes both copies of a node, even if it joined again
    /// and so is another member.
    func mayAssign(_ number: UInt32, to index: Int, in membership: borrowing Membership) -> Bool {
        guard let work, let audit = work.audit else { return true }
        return audit.needsCopy(of: number, from: membership[index].info)
            && !membership.hasHolder(of: work.item(number), in: membership[index].process)
    }

    /// Makes the items of a former member pending again, if they are still needed.
    ///
    /// - Returns: The number of shards in these items.
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
    /// - Returns: The two members whose copies of an audited node are complete and must be compared; otherwise nil.
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

    /// Counts a tree node of the step under way as computed by the coordinator.
    mutating func completeShare(of item: WorkItem) {
        if includes(item), item.isWork, !isComplete { complete(item) }
    }

    /// Counts a tree node as answered.
    private mutating func complete(_ item: WorkItem) {
        if arrivals.insert(item.node, lane: 0, add: { _, _, _ in }) == .complete { work?.completeSum() }
    }

    // MARK: - Audits

    /// Whether an item is a node of the audited step under way.
    func isAuditing(_ item: WorkItem) -> Bool {
        includes(item) && isAudited
    }

    /// Whether one copy of a node has arrived and a second one is needed.
    func waitsForSecondCopy(of number: UInt32) -> Bool {
        work?.audit?[number].waitsForSecondCopy ?? false
    }

    /// The pending second copies that no member can compute now: every active member has answered the node, or still
    /// computes an earlier step, which may take long.
    func secondCopiesWithoutWorker(in membership: borrowing Membership) -> [UInt32] {
        guard let work, let audit = work.audit else { return [] }
        var numbers: [UInt32] = []
        for number in work.pending where audit[number].waitsForSecondCopy {
            var canBeGiven = false
            for index in membership.indices where !canBeGiven {
                canBeGiven =
                    mayAssign(number, to: index, in: membership)
                    && membership[index].queue.assignments.allSatisfy { work.includes($0.item) }
            }
            if !canBeGiven { numbers.append(number) }
        }
        return numbers
    }

    /// Has the coordinator compute an audited node that has one copy only, or two copies that differ.
    mutating func recompute(_ number: UInt32, into actions: inout [CoordinatorAction]) {
        guard let copies = work?.audit?.close(number), let item = work?.item(number) else { return }
        work?.removePending(number)
        actions.append(.recompute(item, copies: copies))
    }

    /// Counts an audited node as answered: its copies are equal, or the coordinator has computed it.
    mutating func completeAudit(of item: WorkItem) {
        work?.removePending(item.number)
        complete(item)
    }

    /// Discards a faulty member's copies that are not compared yet, and makes their nodes pending again.
    mutating func discardCopies(of member: MemberID) {
        for number in work?.audit?.discardCopies(of: member) ?? [] { work?.enqueue(number) }
    }
}

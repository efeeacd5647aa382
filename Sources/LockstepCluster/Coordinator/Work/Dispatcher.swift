import LockstepProtocol
import LockstepSharding
import LockstepTimeline

/// Assigns the work of a step or an evaluation to members, and sends them the weights for it.
///
/// It composes three parts with private state: ``Assignments`` (what must be computed), ``Speculation`` (what takes too
/// long) and ``PublishedWeights`` (which weights are sent early). What each member holds is in its queue, in the
/// ``Membership`` that the machine passes to each call.
struct Dispatcher: ~Copyable, Sendable {
    private var assignments: Assignments
    private var speculation: Speculation
    private var weights: PublishedWeights
    /// Items that were assigned to an idle member too, because their holder was late.
    private(set) var speculativeItems = 0

    init(configuration: borrowing CoordinatorMachine.Configuration) {
        assignments = Assignments(splitsRoot: configuration.splitsRoot)
        speculation = Speculation(deadlines: configuration.deadlines)
        weights = PublishedWeights(chunks: configuration.chunks)
    }

    // MARK: - Steps and evaluations

    /// Begins a step. Nothing is assigned yet.
    ///
    /// - Parameters:
    ///   - step: The step.
    ///   - tree: The step's tree.
    ///   - nodes: The nodes whose sums are wanted; empty: the root alone.
    ///   - isAudited: Whether two members compute each node.
    mutating func begin(step: UInt64, _ tree: SummationTree, nodes: [NodeID] = [], isAudited: Bool) {
        assignments.begin(step: step, tree, nodes: nodes, isAudited: isAudited)
        weights.begin(step: step)
        speculation.beginWork()
    }

    /// Begins an evaluation. Nothing is assigned yet.
    mutating func begin(evaluationOf version: UInt64, blocks: [UInt32]) {
        assignments.begin(evaluationOf: version, blocks: blocks)
        speculation.beginWork()
    }

    /// Adds blocks to the evaluation under way, or begins another one. Nothing is assigned yet.
    mutating func add(_ blocks: [UInt32], ofEvaluationOf version: UInt64) {
        guard !assignments.add(blocks, ofEvaluationOf: version) else { return }
        begin(evaluationOf: version, blocks: blocks)
    }

    /// Ends the step or the evaluation.
    mutating func end() { assignments.end() }

    /// Abandons the step: its weights are not sent to further members.
    mutating func abandon(_ membership: inout Membership) {
        assignments.end()
        weights.withdraw(from: &membership)
    }

    /// Has the coordinator compute everything that is left.
    mutating func computeHere(into actions: inout [CoordinatorAction]) {
        assignments.computeHere(into: &actions)
    }

    /// Assigns a step that has begun: by the plan to the idle members, or later if no member is idle.
    ///
    /// - Parameters:
    ///   - membership: The members.
    ///   - processes: What computes; nil: all members that are idle.
    ///   - now: The current time.
    ///   - actions: Receives the actions.
    mutating func assignStep(
        to membership: inout Membership, by processes: ComputingProcesses?, now: Instant,
        into actions: inout [CoordinatorAction]
    ) {
        guard membership.hasIdle else { return assignments.enqueueWhole() }
        assignPlan(to: &membership, by: processes, now: now, into: &actions)
        if isAudited { assignPending(to: &membership, now: now, into: &actions) }
    }

    /// Assigns the step's tree nodes by the plan.
    ///
    /// A member that is backed off gets no node, unless all members are backed off. Instead it is asked for an empty
    /// answer, so that it has the step's weights if it is needed later. With a choice of processes, at most so many members
    /// compute; the others are on standby and get no message. The coordinator's share is the last one, and it is computed
    /// once all members have been told theirs. All members compute in an audited step. Those that are not chosen are on standby
    /// nevertheless: they will not compute the next step, and are sent no weights for it.
    private mutating func assignPlan(
        to membership: inout Membership, by choice: ComputingProcesses?, now: Instant,
        into actions: inout [CoordinatorAction]
    ) {
        let processes = isAudited ? nil : choice
        let (idle, backedOff) = membership.beginStep()
        let areAllBackedOff = backedOff == idle
        let workers = min(areAllBackedOff ? idle : idle - backedOff, processes?.workers ?? idle)
        let hasShare = processes?.includesCoordinator ?? false
        let capacities = capacities(of: workers, in: membership, all: areAllBackedOff, share: hasShare)
        guard let plan = assignments.plan(workers: workers + (hasShare ? 1 : 0), capacities: capacities) else { return }
        var rank = 0
        for index in membership.indices where membership[index].isIdle {
            let isRanked = rank < workers && (areAllBackedOff || !membership[index].stragglerRecord.isBackedOff)
            let computes = isRanked && !plan.nodes[rank].isEmpty
            membership[index].isOnStandby = choice.map { !computes || rank >= $0.workers } ?? false
            if computes {
                for node in plan.nodes[rank] {
                    assign(node.rawValue, to: index, of: &membership, now: now, into: &actions)
                    if isAudited { assignments.enqueueSecondCopy(of: node.rawValue) }
                }
            } else if processes == nil {
                assign(0, to: index, of: &membership, now: now, into: &actions)
            }
            if isRanked { rank += 1 }
        }
        guard hasShare else { return }
        for node in plan.nodes[workers] {
            guard let assignment = assignments.assignment(node.rawValue) else { continue }
            actions.append(.computeShare(assignment.item))
        }
    }

    /// The processes of the members that get a share of a step, in the order of the plan; empty if each is one process.
    private func capacities(
        of workers: Int, in membership: borrowing Membership, all areAllBackedOff: Bool, share hasShare: Bool
    ) -> [Int] {
        guard membership.activeCount > membership.count else { return [] }
        var capacities: [Int] = []
        for index in membership.indices where membership[index].isIdle && capacities.count < workers {
            guard areAllBackedOff || !membership[index].stragglerRecord.isBackedOff else { continue }
            capacities.append(membership[index].capacity)
        }
        return hasShare ? capacities + [1] : capacities
    }

    // MARK: - Assigning

    /// Assigns pending items to members that may get them.
    mutating func assignPending(
        to membership: inout Membership, now: Instant, into actions: inout [CoordinatorAction]
    ) {
        guard assignments.hasPending else { return }
        while let (number, index) = assignments.next(for: membership) {
            assign(number, to: index, of: &membership, now: now, into: &actions)
        }
        guard isAudited else { return }
        for number in assignments.secondCopiesWithoutWorker(in: membership) {
            assignments.recompute(number, into: &actions)
        }
    }

    /// Makes the items of a former member pending.
    ///
    /// - Returns: The number of shards that another member must compute.
    mutating func reclaim(_ member: borrowing Member, membership: borrowing Membership) -> Int {
        assignments.reclaim(member.queue.assignments, membership: membership)
    }

    /// Sends a member the weights that it lacks, and assigns it an item.
    private mutating func assign(
        _ number: UInt32, to index: Int, of membership: inout Membership, now: Instant,
        into actions: inout [CoordinatorAction]
    ) {
        guard let assignment = assignments.assignment(number) else { return }
        weights.sendMissing(ofStep: assignment.item.step, to: &membership[index], into: &actions)
        membership[index].queue.append(assignment, at: now)
        if assignment.item.isWork { speculation.scheduleLateCheck(of: membership[index].queue) }
        actions.append(.assign(membership[index].peer, membership[index].id, assignment.item))
    }

    // MARK: - Answers

    /// Handles the first part of an answer. While the rest arrives, the member is sent the final chunks of the next
    /// weights.
    mutating func receiveFirstPart(
        of item: WorkItem, from member: inout Member, into actions: inout [CoordinatorAction]
    ) {
        guard member.queue.holds(item) else { return }
        member.queue.beginArrival(of: item)
        weights.sendPublished(to: &member, into: &actions)
    }

    /// Handles an answer. An answer to past work only makes its member idle. An answer without an assignment is
    /// ignored.
    mutating func receive(
        _ item: WorkItem, from index: Int, of membership: inout Membership, now: Instant,
        into actions: inout [CoordinatorAction]
    ) {
        guard let answered = membership[index].queue.remove(item, at: now) else { return }
        membership[index].hasAnswered = true
        speculation.record(answered, by: &membership[index], step: assignments.step)
        if let (first, second) = assignments.receive(item, from: membership[index]) {
            actions.append(.compare(item, first, second))
        }
        assignPending(to: &membership, now: now, into: &actions)
        assignLate(to: &membership, now: now, into: &actions)
        let slow = speculation.nodeToSpeculateOn(by: index, of: assignments, in: membership, now: now)
        if let slow { assignSpeculatively(slow, to: index, of: &membership, now: now, into: &actions) }
        if membership[index].isIdle { weights.sendPublished(to: &membership[index], into: &actions) }
    }

    /// Sends a final chunk of the next weights to the members that wait for it.
    mutating func publish(
        version: UInt64, chunk: Int, to membership: inout Membership, into actions: inout [CoordinatorAction]
    ) {
        weights.publish(version: version, chunk: chunk, to: &membership, into: &actions)
    }

    /// Handles the coordinator's own answer to a tree node of its share.
    mutating func completeShare(of item: WorkItem) { assignments.completeShare(of: item) }

    // MARK: - Speculative execution

    /// Assigns late items to idle members too. The first answer counts; the bits are the same either way.
    mutating func assignLate(to membership: inout Membership, now: Instant, into actions: inout [CoordinatorAction]) {
        for item in speculation.lateItems(of: assignments, in: membership, now: now) {
            if let member = speculation.idleMember(for: item, of: assignments, in: membership) {
                assignSpeculatively(item, to: member, of: &membership, now: now, into: &actions)
            } else if assignments.waitsForSecondCopy(of: item.number) {
                speculation.recordStraggle(with: item, in: &membership, into: &actions)
                assignments.recompute(item.number, into: &actions)
            } else {
                speculation.postpone(hasIdle: membership.hasIdle, now: now)
            }
        }
    }

    private mutating func assignSpeculatively(
        _ item: WorkItem, to index: Int, of membership: inout Membership, now: Instant,
        into actions: inout [CoordinatorAction]
    ) {
        speculativeItems += 1
        speculation.recordStraggle(with: item, in: &membership, into: &actions)
        assign(item.number, to: index, of: &membership, now: now, into: &actions)
    }

    /// The refusal for a member that must be evicted now; nil if it need not.
    mutating func eviction(of member: borrowing Member, now: Instant) -> Refusal? {
        guard let deadline = speculation.evictionDeadline(of: member), deadline <= now else { return nil }
        if let reason = speculation.slowLink(of: member, at: now) { return Refusal(code: .link, message: reason) }
        speculation.recordEviction()
        return Refusal(
            code: .rejoin, message: "it has not answered for \(Int(member.queue.busySeconds(at: now))) s")
    }

    /// When a member must be evicted, or an item may be late.
    func nextDeadline(of membership: borrowing Membership) -> Instant? {
        var next: Instant?
        for index in membership.indices {
            next = Instant.earlier(next, speculation.evictionDeadline(of: membership[index]))
        }
        return isComplete || !membership.hasIdle ? next : Instant.earlier(next, speculation.nextLateCheck)
    }

    // MARK: - Audits

    /// Handles the comparison of two copies: equal copies complete the node; otherwise the coordinator computes it.
    mutating func completeComparison(of item: WorkItem, areEqual: Bool, into actions: inout [CoordinatorAction]) {
        guard assignments.isAuditing(item) else { return }
        if areEqual {
            assignments.completeAudit(of: item)
        } else {
            assignments.recompute(item.number, into: &actions)
        }
    }

    /// Handles the coordinator's own answer to an audited node.
    ///
    /// - Returns: Whether the node was audited.
    mutating func completeAudit(of item: WorkItem) -> Bool {
        guard assignments.isAuditing(item) else { return false }
        assignments.completeAudit(of: item)
        return true
    }

    /// Discards a member's copies that are not compared yet.
    mutating func discardCopies(of member: MemberID) { assignments.discardCopies(of: member) }

    // MARK: - Queries

    /// The step under way, or the version of the weights under evaluation; nil before the first step.
    var step: UInt64? { assignments.step }
    var isEvaluation: Bool { assignments.isEvaluation }
    /// Whether the step under way is audited: its answers are compared before they count.
    var isAudited: Bool { assignments.isAudited }
    /// Whether every item of the step or evaluation is answered.
    var isComplete: Bool { assignments.isComplete }
    /// The median time of an evaluation block; nil before the first answer.
    var blockMedian: Double? { speculation.blockMedian }

    /// Whether an item is a tree node of the step under way.
    func contains(_ item: WorkItem) -> Bool { assignments.contains(item) }

    /// Whether a member's answer to an item that it holds would count.
    func expects(_ item: WorkItem, from member: borrowing Member) -> Bool {
        member.queue.holds(item) && assignments.expects(item, from: member)
    }
}

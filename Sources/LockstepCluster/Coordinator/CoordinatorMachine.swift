import LockstepProtocol
package import LockstepSharding
package import LockstepTimeline

/// The coordinator's decisions: which workers are members, which member computes what, and which weights it is sent.
///
/// The machine does no I/O, reads no clock and never sees a weight or a gradient. Events go in, actions come out, and
/// the same events give the same actions. Payload bytes bypass the machine: it sees the numbers of tree nodes, chunks
/// and steps.
///
/// How a step goes: the trainer begins it, the machine assigns its tree nodes to the idle members, the members answer,
/// and the step is complete once every node is answered. Everything else is about what can go wrong meanwhile. A member
/// is lost: its unanswered nodes go to other members. A member is slow: an idle member gets its node too. No member is
/// left: the machine waits for one, or has the coordinator compute. Because every member computes the same bits, none
/// of this changes the result.
///
/// Each decision has its own part with private state: ``Membership`` (which workers take part), ``Assignments`` (what
/// must be computed), ``Speculation`` (what takes too long), ``PublishedWeights`` (which weights are sent early) and
/// ``WorkerCountTuner`` (how many workers are fastest). The machine calls the parts in turn and carries out what they
/// decide.
///
/// A worker with an unanswered tree node gets no other node and, until its answer begins to arrive, no weights. So at
/// most one node and one version of the weights are under way to a worker.
///
/// The machine is noncopyable: a class that holds a copyable machine retains its arrays on every access from another
/// module, which costs 10 % of a short step.
package struct CoordinatorMachine: ~Copyable, Sendable {
    package let configuration: Configuration
    private var phase: RunPhase
    /// The clock of the workers' deadlines.
    private var clock: ClampedClock
    private var membership: Membership
    private var assignments: Assignments
    private var speculation: Speculation
    private var weights: PublishedWeights
    private var workerCount: WorkerCountTuner
    private var evaluations = EvaluationTuner()
    package private(set) var counts = MembershipCounts()

    /// Starts to wait for the first workers.
    package init(configuration: Configuration, now: Instant) {
        self.configuration = configuration
        self.phase = RunPhase(configuration: configuration, now: now)
        self.clock = ClampedClock(maximumGap: configuration.deadlines.maximumGap, now: now)
        self.membership = Membership(configuration: configuration)
        self.assignments = Assignments(splitsRoot: configuration.splitsRoot)
        self.speculation = Speculation(deadlines: configuration.deadlines)
        self.weights = PublishedWeights(chunks: configuration.chunks)
        self.workerCount = WorkerCountTuner(isEnabled: configuration.tunesWorkerCount)
    }

    /// Handles an event and appends the actions that follow from it.
    package mutating func handle(_ event: CoordinatorEvent, now: Instant, into actions: inout [CoordinatorAction]) {
        clock.advance(to: now)
        switch event {
        case .hello(let peer, let hello):
            receiveHello(hello, from: peer, into: &actions)
        case .ready(let peer, let member, let ready, let sharesMemory):
            receiveProof(ready, from: peer, member, sharesMemory: sharesMemory, into: &actions)
        case .dataRequested(let peer, let member, let offset, let count):
            serveData(to: peer, member, offset: offset, count: count, into: &actions)
        case .answering(let peer, let member, let item):
            receiveFirstPart(of: item, from: peer, member, into: &actions)
        case .answered(let peer, let member, let item):
            receiveAnswer(to: item, from: peer, member, into: &actions)
        case .goodbye(let peer, let member, let goodbye):
            receiveGoodbye(goodbye, from: peer, member, into: &actions)
        case .transferring(let peer, let rate, let bytes):
            guard let index = membership.index(of: peer) else { return }
            membership[index].transfer = Transfer(bytesPerSecond: rate, gradientBytes: bytes, seen: clock.now)
        case .messageOfOtherRun(let peer):
            membership.rejectUnknown(peer, as: nil, into: &actions)
        case .peerLost(let peer, let reason):
            loseMember(behind: peer, reason: reason, into: &actions)
        case .beginStep(let step, let tree, let isAudited):
            beginStep(step, tree, isAudited: isAudited, now: now, into: &actions)
        case .beginEvaluation(let version, let blocks):
            beginEvaluation(of: version, blocks, now: now, into: &actions)
        case .evaluated:
            evaluations.end(at: now)
        case .predicted(let seconds):
            workerCount.begin(predictions: seconds)
        case .chunkUpdated(let version, let chunk):
            weights.publish(version: version, chunk: chunk, to: &membership, into: &actions)
        case .compared(let item, let areEqual):
            completeComparison(of: item, areEqual: areEqual, into: &actions)
        case .recomputed(let item, let wrong):
            completeRecomputation(of: item, wrong: wrong, into: &actions)
        case .abandoned:
            assignments.end()
            weights.withdraw(from: &membership)
        case .refuted(let item, let member):
            quarantine(member, step: item.step, node: item.number, into: &actions)
        case .inputBacklog(let exists):
            clock.isHeld = exists
        case .stop(let goodbye):
            phase.end()
            assignments.end()
            membership.dismissAll(goodbye, into: &actions)
        case .tick:
            checkDeadlines(into: &actions)
        }
    }

    // MARK: - Members

    private mutating func receiveHello(_ hello: Hello, from peer: PeerID, into actions: inout [CoordinatorAction]) {
        switch membership.standing(of: peer, saying: hello) {
        case .new:
            break
        case .repeated(let member):
            return actions.append(.welcome(peer, member))
        case .restarted(let index):
            // The hello may be an old message that was sent again. Then its worker still takes part, and the refusal
            // says that its membership has ended. A worker that waits for a welcome ignores the refusal.
            evict(at: index, reason: "it joined anew", into: &actions)
        }
        membership.admit(peer, hello, isEnding: phase.stage == .ended, now: clock.now, into: &actions)
    }

    private mutating func receiveProof(
        _ ready: Ready, from peer: PeerID, _ member: MemberID, sharesMemory: Bool,
        into actions: inout [CoordinatorAction]
    ) {
        switch membership.prove(peer, member, ready, sharesMemory: sharesMemory, into: &actions) {
        case .ignored:
            break
        case .accepted(let isSameKernel):
            counts.joined += 1
            if !isSameKernel { counts.isBitwiseReproducible = false }
            phase.workerJoined()
            assignPending(into: &actions)
        }
    }

    private mutating func serveData(
        to peer: PeerID, _ member: MemberID, offset: UInt64, count: Int, into actions: inout [CoordinatorAction]
    ) {
        let isValid = membership.serveData(
            peer, member, offset: offset, count: count, now: clock.now, into: &actions)
        guard !isValid else { return }
        loseMember(behind: peer, reason: "it asked for bytes that the data set does not have", into: &actions)
    }

    private mutating func receiveGoodbye(
        _ goodbye: Goodbye, from peer: PeerID, _ member: MemberID, into actions: inout [CoordinatorAction]
    ) {
        guard let index = membership.index(of: peer, member) else {
            let wasCandidate = membership.removeCandidate(
                on: peer, member, reason: goodbye.message, saidGoodbye: true, into: &actions)
            // The sender of a goodbye wants no answer.
            if !wasCandidate { membership.dropOutdated(peer, as: member, into: &actions) }
            return
        }
        let member = membership.remove(at: index)
        actions.append(.notify(.left(member.info, goodbye, active: membership.activeCount)))
        counts.shardsReassigned += assignments.reclaim(member.queue.assignments, membership: membership)
        assignReclaimed(into: &actions)
    }

    private mutating func loseMember(behind peer: PeerID, reason: String, into actions: inout [CoordinatorAction]) {
        if let index = membership.index(of: peer) {
            loseMember(at: index, reason: reason, into: &actions)
        } else if phase.stage != .ended {
            _ = membership.removeCandidate(on: peer, reason: reason, into: &actions)
        }
    }

    private mutating func loseMember(at index: Int, reason: String, into actions: inout [CoordinatorAction]) {
        let member = membership.remove(at: index)
        guard phase.stage != .ended else { return }
        counts.lost += 1
        let shards = assignments.reclaim(member.queue.assignments, membership: membership)
        counts.shardsReassigned += shards
        actions.append(
            .notify(
                .lost(member.info, reason: reason, shardsReassigned: shards, active: membership.activeCount)))
        assignReclaimed(into: &actions)
    }

    /// Ends a membership and tells the worker, which may join again.
    private mutating func evict(at index: Int, reason: String, into actions: inout [CoordinatorAction]) {
        actions.append(.refuse(membership[index].peer, Refusal(code: .rejoin, message: reason)))
        loseMember(at: index, reason: reason, into: &actions)
    }

    private mutating func quarantine(
        _ id: MemberID, step: UInt64, node: UInt32, into actions: inout [CoordinatorAction]
    ) {
        guard let member = membership.quarantine(id, step: step, node: node, into: &actions) else { return }
        counts.quarantined += 1
        counts.shardsReassigned += assignments.reclaim(member.queue.assignments, membership: membership)
        assignReclaimed(into: &actions)
    }

    /// If no active member is left, has the coordinator compute, or starts to wait for a worker.
    private mutating func waitIfNoWorker(into actions: inout [CoordinatorAction]) {
        if configuration.tunesWorkerCount {
            if membership.activeCount == 0 { assignments.computeHere(into: &actions) }
            return
        }
        guard membership.activeCount == 0, let seconds = phase.beginWaiting(now: clock.now) else { return }
        actions.append(.notify(.waiting(seconds: seconds)))
    }

    // MARK: - Steps and evaluations

    /// Begins a step: assigns every idle member its tree nodes by the plan.
    private mutating func beginStep(
        _ step: UInt64, _ tree: SummationTree, isAudited: Bool, now: Instant, into actions: inout [CoordinatorAction]
    ) {
        let choice = workerCount.beginStep(
            step, isAudited: isAudited, active: membership.activeCount, now: now)
        if let choice { actions.append(.notify(.workerCount(choice))) }
        if isAudited { counts.stepsAudited += 1 }
        assignments.begin(step: step, tree, isAudited: isAudited)
        weights.begin(step: step)
        beginWork(into: &actions)
        if workerCount.coordinatorComputesAlone(isAudited: isAudited, active: membership.activeCount) {
            return assignments.computeHere(into: &actions)
        }
        guard membership.hasIdle else { return assignments.enqueueWhole() }
        assignPlan(limit: isAudited ? nil : workerCount.workers, isAudited: isAudited, into: &actions)
        if isAudited { assignPending(into: &actions) }
    }

    /// Begins an evaluation: assigns the blocks as members answer.
    private mutating func beginEvaluation(
        of version: UInt64, _ blocks: [UInt32], now: Instant, into actions: inout [CoordinatorAction]
    ) {
        workerCount.beginEvaluation()
        assignments.begin(evaluationOf: version, blocks: blocks)
        beginWork(into: &actions)
        let isFasterAlone = evaluations.begin(
            blocks: blocks.count, workerMedian: speculation.blockMedian, at: now)
        if configuration.tunesWorkerCount, isFasterAlone || membership.activeCount == 0 {
            return assignments.computeHere(into: &actions)
        }
        assignPending(into: &actions)
    }

    private mutating func beginWork(into actions: inout [CoordinatorAction]) {
        phase.beginWork()
        speculation.beginWork()
        waitIfNoWorker(into: &actions)
    }

    /// Handles the first part of an answer. While the rest arrives, the member is sent the final chunks of the next
    /// weights.
    private mutating func receiveFirstPart(
        of item: WorkItem, from peer: PeerID, _ member: MemberID, into actions: inout [CoordinatorAction]
    ) {
        guard let index = membership.index(of: peer, member), membership[index].queue.holds(item) else { return }
        membership[index].queue.beginArrival(of: item)
        weights.sendPublished(to: &membership[index], into: &actions)
    }

    /// Handles an answer. An answer to past work only makes its member idle. An answer without an assignment is
    /// ignored.
    private mutating func receiveAnswer(
        to item: WorkItem, from peer: PeerID, _ member: MemberID, into actions: inout [CoordinatorAction]
    ) {
        guard let index = membership.index(of: peer, member) else {
            return membership.rejectUnknown(peer, as: member, into: &actions)
        }
        guard let answered = membership[index].queue.remove(item, at: clock.now) else { return }
        membership[index].hasAnswered = true
        speculation.record(answered, by: &membership[index], step: assignments.step)
        if let (first, second) = assignments.receive(item, from: membership[index]) {
            actions.append(.compare(item, first, second))
        }
        assignPending(into: &actions)
        assignLate(into: &actions)
        speculate(with: index, into: &actions)
        if membership[index].isIdle { weights.sendPublished(to: &membership[index], into: &actions) }
    }

    // MARK: - Assigning

    /// Assigns the step's tree nodes by the plan.
    ///
    /// A member that is backed off gets no node, unless all members are backed off. Instead it is asked for an empty
    /// answer, so that it has the step's weights if it is needed later. With a `limit`, at most so many members
    /// compute; the others are on standby and get no message.
    private mutating func assignPlan(limit: Int?, isAudited: Bool, into actions: inout [CoordinatorAction]) {
        let (idle, backedOff) = membership.beginStep()
        let areAllBackedOff = backedOff == idle
        let workers = min(areAllBackedOff ? idle : idle - backedOff, limit ?? idle)
        guard let plan = assignments.plan(workers: workers) else { return }
        var rank = 0
        for index in membership.indices where membership[index].isIdle {
            let isRanked = rank < workers && (areAllBackedOff || !membership[index].stragglerRecord.isBackedOff)
            let computes = isRanked && !plan.nodes[rank].isEmpty
            membership[index].isOnStandby = limit != nil && !computes
            if computes {
                for node in plan.nodes[rank] {
                    assign(node.rawValue, to: index, into: &actions)
                    if isAudited { assignments.enqueueSecondCopy(of: node.rawValue) }
                }
            } else if limit == nil {
                assign(0, to: index, into: &actions)
            }
            if isRanked { rank += 1 }
        }
    }

    /// Assigns pending items to members that may get them.
    private mutating func assignPending(into actions: inout [CoordinatorAction]) {
        guard assignments.hasPending else { return }
        while let (number, index) = assignments.next(for: membership) {
            assign(number, to: index, into: &actions)
        }
        guard assignments.isAudited else { return }
        for number in assignments.secondCopiesWithoutWorker(in: membership) {
            assignments.recompute(number, into: &actions)
        }
    }

    /// Assigns the items of a member that has gone.
    private mutating func assignReclaimed(into actions: inout [CoordinatorAction]) {
        assignPending(into: &actions)
        waitIfNoWorker(into: &actions)
    }

    /// Sends a member the weights that it lacks, and assigns it an item.
    private mutating func assign(_ number: UInt32, to index: Int, into actions: inout [CoordinatorAction]) {
        guard let assignment = assignments.assignment(number) else { return }
        weights.sendMissing(ofStep: assignment.item.step, to: &membership[index], into: &actions)
        membership[index].queue.append(assignment, at: clock.now)
        if assignment.item.isWork { speculation.scheduleLateCheck(of: membership[index].queue) }
        actions.append(.assign(membership[index].peer, membership[index].id, assignment.item))
    }

    // MARK: - Speculative execution

    /// Assigns late items to idle members too. The first answer counts; the bits are the same either way.
    private mutating func assignLate(into actions: inout [CoordinatorAction]) {
        for item in speculation.lateItems(of: assignments, in: membership, now: clock.now) {
            if let member = speculation.idleMember(for: item, of: assignments, in: membership) {
                assignSpeculatively(item, to: member, into: &actions)
            } else if assignments.waitsForSecondCopy(of: item.number) {
                speculation.recordStraggle(with: item, in: &membership, into: &actions)
                assignments.recompute(item.number, into: &actions)
            } else {
                speculation.postpone(hasIdle: membership.hasIdle, now: clock.now)
            }
        }
    }

    /// Assigns a member that has become idle the tree node of a slower member, if it would finish first.
    private mutating func speculate(with index: Int, into actions: inout [CoordinatorAction]) {
        let item = speculation.nodeToSpeculateOn(by: index, of: assignments, in: membership, now: clock.now)
        if let item { assignSpeculatively(item, to: index, into: &actions) }
    }

    private mutating func assignSpeculatively(
        _ item: WorkItem, to index: Int, into actions: inout [CoordinatorAction]
    ) {
        counts.speculativeItems += 1
        speculation.recordStraggle(with: item, in: &membership, into: &actions)
        assign(item.number, to: index, into: &actions)
    }

    // MARK: - Audits

    /// Handles the comparison of two copies: equal copies complete the node; otherwise the coordinator computes it.
    private mutating func completeComparison(
        of item: WorkItem, areEqual: Bool, into actions: inout [CoordinatorAction]
    ) {
        guard assignments.isAuditing(item) else { return }
        if areEqual {
            assignments.completeAudit(of: item)
        } else {
            assignments.recompute(item.number, into: &actions)
        }
    }

    /// Handles the coordinator's own answer to an audited node: puts the members whose copies differ under quarantine.
    private mutating func completeRecomputation(
        of item: WorkItem, wrong: [MemberID], into actions: inout [CoordinatorAction]
    ) {
        guard assignments.isAuditing(item) else { return }
        assignments.completeAudit(of: item)
        for member in wrong {
            assignments.discardCopies(of: member)
            quarantine(member, step: item.step, node: item.number, into: &actions)
        }
        assignPending(into: &actions)
    }

    // MARK: - Deadlines

    private mutating func checkDeadlines(into actions: inout [CoordinatorAction]) {
        membership.removeOverdue(at: clock.now, into: &actions)
        var index = 0
        while index < membership.count {
            if let refusal = eviction(at: index) {
                actions.append(.refuse(membership[index].peer, refusal))
                loseMember(at: index, reason: refusal.message, into: &actions)
            } else {
                index += 1
            }
        }
        assignLate(into: &actions)
        let failure = phase.failure(joined: membership.activeCount, now: clock.now)
        if let failure { actions.append(.fail(failure)) }
    }

    /// The refusal for a member that must be evicted now; nil if it need not.
    private mutating func eviction(at index: Int) -> Refusal? {
        guard let deadline = speculation.evictionDeadline(of: membership[index]), deadline <= clock.now else {
            return nil
        }
        if let reason = speculation.slowLink(of: membership[index], at: clock.now) {
            phase.linkBroke(reason)
            return Refusal(code: .link, message: reason)
        }
        speculation.recordEviction()
        return Refusal(
            code: .rejoin,
            message: "it has not answered for \(Int(membership[index].queue.busySeconds(at: clock.now))) s")
    }

    /// When a tick is due at the latest.
    package var nextDeadline: Instant? {
        guard phase.stage != .ended else { return nil }
        var next = Instant.earlier(phase.deadline, membership.nextProofDeadline)
        for index in membership.indices {
            next = Instant.earlier(next, speculation.evictionDeadline(of: membership[index]))
        }
        if !isWorkComplete, membership.hasIdle { next = Instant.earlier(next, speculation.nextLateCheck) }
        return next.map { clock.due($0) }
    }
}

// MARK: - Queries

extension CoordinatorMachine {
    /// Whether a member's answer to `item` would count: the member holds the item, and no other answer has counted.
    package func expects(_ item: WorkItem, from peer: PeerID, _ member: MemberID) -> Bool {
        guard let index = membership.index(of: peer, member), membership[index].queue.holds(item) else { return false }
        return assignments.expects(item, from: membership[index])
    }

    /// Whether this is a candidate: it has been welcomed and has not proved itself yet.
    package func isPreparing(_ member: MemberID) -> Bool { membership.candidate(member) != nil }

    /// The step under way, or the version of the weights under evaluation; nil before the first step.
    package var step: UInt64? { assignments.step }

    /// Whether an item is a tree node of the step under way.
    func containsNode(_ item: WorkItem) -> Bool { assignments.contains(item) }

    /// The connection of a member or candidate.
    package func peer(of member: MemberID) -> PeerID? {
        membership.index(of: member).map { membership[$0].peer } ?? membership.candidate(member)?.peer
    }

    /// Whether the step under way is audited: its answers are compared before they count.
    package var isAudited: Bool { assignments.isAudited }

    /// Whether every item of the step or evaluation is answered.
    package var isWorkComplete: Bool { assignments.isComplete }

    /// The active members and their connections.
    package var activeMembers: [(peer: PeerID, info: MemberInfo)] { membership.active }

    /// The number of active members.
    package var activeCount: Int { membership.activeCount }

    /// The number of workers that compute steps: all active members, or as many as are fastest.
    package var computingCount: Int {
        min(workerCount.workers ?? membership.activeCount, membership.activeCount)
    }

    /// Whether work waits because no worker is left.
    package var waitsForWorker: Bool { phase.stage == .waiting }

    /// Whether a member has not answered everything.
    package var hasOutstandingWork: Bool { membership.hasOutstandingWork }

    /// Whether enough members are active for the first step.
    package var canStart: Bool { activeCount >= configuration.minimumWorkers }

    /// Whether the coordinator computes alone because that is fastest.
    package var coordinatorComputesAlone: Bool { workerCount.coordinatorComputesAlone }

    /// Until this instant the coordinator computes unaudited steps alone without consulting the machine.
    package var computesAloneUntil: Instant? { workerCount.computesAloneUntil }

    /// The name of a present or former member, for people.
    package func name(of member: MemberID) -> String {
        membership.index(of: member).map { membership[$0].info.description } ?? member.description
    }

    /// The run's state, for people.
    package var status: ClusterStatus {
        let phase: ClusterStatus.Phase =
            switch phase.stage {
            case .gathering: .gathering
            case .running: assignments.isEvaluation ? .evaluating : .training
            case .waiting: .waiting
            case .ended: .ending
            }
        return ClusterStatus(
            phase: phase, step: assignments.step,
            workers: membership.status(coordinatorComputesAlone: coordinatorComputesAlone), lost: counts.lost,
            joined: counts.joined, shardsReassigned: counts.shardsReassigned)
    }
}

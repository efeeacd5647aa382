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
/// Each decision has its own part with private state: ``Membership`` (which workers take part), ``Dispatcher`` (which
/// member computes what, and which weights it is sent), ``RunPhase`` (whether the run waits or fails) and
/// ``WorkerCountTuner`` (which processes are fastest). The machine calls the parts in turn and carries out what they
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
    private var dispatcher: Dispatcher
    private var workerCount: WorkerCountTuner
    private var evaluations = EvaluationTuner()
    private var eventCounts = MembershipCounts()

    /// Starts to wait for the first workers.
    package init(configuration: Configuration, now: Instant) {
        self.configuration = configuration
        self.phase = RunPhase(configuration: configuration, now: now)
        self.clock = ClampedClock(maximumGap: configuration.deadlines.maximumGap, now: now)
        self.membership = Membership(configuration: configuration)
        self.dispatcher = Dispatcher(configuration: configuration)
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
        case .beginNodes(let step, let tree, let nodes, let isAudited):
            beginStep(step, tree, nodes: nodes, isAudited: isAudited, now: now, into: &actions)
        case .addBlocks(let version, let blocks):
            dispatcher.add(blocks, ofEvaluationOf: version)
            beginWork(into: &actions)
            assignPending(into: &actions)
        case .beginEvaluation(let version, let blocks):
            beginEvaluation(of: version, blocks, now: now, into: &actions)
        case .evaluated:
            evaluations.end(at: now)
        case .predicted(let seconds, let withCoordinator):
            workerCount.begin(predictions: seconds, withCoordinator: withCoordinator)
        case .chunkUpdated(let version, let chunk):
            dispatcher.publish(version: version, chunk: chunk, to: &membership, into: &actions)
        case .compared(let item, let areEqual):
            dispatcher.completeComparison(of: item, areEqual: areEqual, into: &actions)
        case .recomputed(let item, let wrong):
            completeRecomputation(of: item, wrong: wrong, into: &actions)
        case .computed(let item):
            dispatcher.completeShare(of: item)
        case .abandoned:
            dispatcher.abandon(&membership)
        case .refuted(let item, let member):
            quarantine(member, step: item.step, node: item.number, into: &actions)
        case .inputBacklog(let exists):
            clock.isHeld = exists
        case .stop(let goodbye):
            phase.end()
            dispatcher.end()
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
            if let index = membership.index(of: member) { eventCounts.joined += membership[index].capacity }
            if !isSameKernel { eventCounts.isBitwiseReproducible = false }
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
        let member: Member
        if goodbye.code == .dataChanged {
            member = membership.removeWithChangedData(at: index, into: &actions)
        } else {
            member = membership.remove(at: index)
            actions.append(.notify(.left(member.info, goodbye, active: membership.activeCount)))
        }
        eventCounts.shardsReassigned += dispatcher.reclaim(member, membership: membership)
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
        eventCounts.lost += member.capacity
        let shards = dispatcher.reclaim(member, membership: membership)
        eventCounts.shardsReassigned += shards
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
        eventCounts.quarantined += 1
        eventCounts.shardsReassigned += dispatcher.reclaim(member, membership: membership)
        assignReclaimed(into: &actions)
    }

    /// If no active member is left, has the coordinator compute, or starts to wait for a worker.
    private mutating func waitIfNoWorker(into actions: inout [CoordinatorAction]) {
        if configuration.tunesWorkerCount {
            if membership.activeCount == 0 { dispatcher.computeHere(into: &actions) }
            return
        }
        guard membership.activeCount == 0, let seconds = phase.beginWaiting(now: clock.now) else { return }
        actions.append(.notify(.waiting(seconds: seconds)))
    }

    // MARK: - Steps and evaluations

    /// Begins a step: assigns every idle member its tree nodes by the plan. `nodes`: those whose sums are wanted; empty: the
    /// root alone.
    private mutating func beginStep(
        _ step: UInt64, _ tree: SummationTree, nodes: [NodeID] = [], isAudited: Bool, now: Instant,
        into actions: inout [CoordinatorAction]
    ) {
        let choice = workerCount.beginStep(
            step, isAudited: isAudited, active: membership.count, now: now)
        if let choice { actions.append(.notify(.workerCount(choice))) }
        if isAudited { eventCounts.stepsAudited += 1 }
        dispatcher.begin(step: step, tree, nodes: nodes, isAudited: isAudited)
        beginWork(into: &actions)
        if workerCount.coordinatorComputesAlone(isAudited: isAudited, active: membership.count) {
            return dispatcher.computeHere(into: &actions)
        }
        dispatcher.assignStep(to: &membership, by: workerCount.processes, now: clock.now, into: &actions)
    }

    /// Begins an evaluation: assigns the blocks as members answer.
    private mutating func beginEvaluation(
        of version: UInt64, _ blocks: [UInt32], now: Instant, into actions: inout [CoordinatorAction]
    ) {
        workerCount.beginEvaluation()
        dispatcher.begin(evaluationOf: version, blocks: blocks)
        beginWork(into: &actions)
        let isFasterAlone = evaluations.begin(
            blocks: blocks.count, workerMedian: dispatcher.blockMedian, at: now)
        if configuration.tunesWorkerCount, isFasterAlone || membership.activeCount == 0 {
            return dispatcher.computeHere(into: &actions)
        }
        assignPending(into: &actions)
    }

    private mutating func beginWork(into actions: inout [CoordinatorAction]) {
        phase.beginWork()
        waitIfNoWorker(into: &actions)
    }

    private mutating func receiveFirstPart(
        of item: WorkItem, from peer: PeerID, _ member: MemberID, into actions: inout [CoordinatorAction]
    ) {
        guard let index = membership.index(of: peer, member) else { return }
        dispatcher.receiveFirstPart(of: item, from: &membership[index], into: &actions)
    }

    private mutating func receiveAnswer(
        to item: WorkItem, from peer: PeerID, _ member: MemberID, into actions: inout [CoordinatorAction]
    ) {
        guard let index = membership.index(of: peer, member) else {
            return membership.rejectUnknown(peer, as: member, into: &actions)
        }
        dispatcher.receive(item, from: index, of: &membership, now: clock.now, into: &actions)
    }

    /// Handles the coordinator's own answer to an audited node: puts the members whose copies differ under quarantine.
    private mutating func completeRecomputation(
        of item: WorkItem, wrong: [MemberID], into actions: inout [CoordinatorAction]
    ) {
        guard dispatcher.completeAudit(of: item) else { return }
        for member in wrong {
            dispatcher.discardCopies(of: member)
            quarantine(member, step: item.step, node: item.number, into: &actions)
        }
        assignPending(into: &actions)
    }

    /// Assigns pending items to members that may get them.
    private mutating func assignPending(into actions: inout [CoordinatorAction]) {
        dispatcher.assignPending(to: &membership, now: clock.now, into: &actions)
    }

    /// Assigns the items of a member that has gone.
    private mutating func assignReclaimed(into actions: inout [CoordinatorAction]) {
        assignPending(into: &actions)
        waitIfNoWorker(into: &actions)
    }

    // MARK: - Deadlines

    private mutating func checkDeadlines(into actions: inout [CoordinatorAction]) {
        membership.removeOverdue(at: clock.now, into: &actions)
        var index = 0
        while index < membership.count {
            if let refusal = dispatcher.eviction(of: membership[index], now: clock.now) {
                if refusal.code == .link { phase.linkBroke(refusal.message) }
                actions.append(.refuse(membership[index].peer, refusal))
                loseMember(at: index, reason: refusal.message, into: &actions)
            } else {
                index += 1
            }
        }
        dispatcher.assignLate(to: &membership, now: clock.now, into: &actions)
        let failure = phase.failure(joined: membership.activeCount, now: clock.now)
        if let failure { actions.append(.fail(failure)) }
    }

    /// When a tick is due at the latest.
    package var nextDeadline: Instant? {
        guard phase.stage != .ended else { return nil }
        let next = Instant.earlier(
            Instant.earlier(phase.deadline, membership.nextProofDeadline), dispatcher.nextDeadline(of: membership))
        return next.map { clock.due($0) }
    }
}

// MARK: - Queries

extension CoordinatorMachine {
    /// Whether a member's answer to `item` would count: the member holds the item, and no other answer has counted.
    package func expects(_ item: WorkItem, from peer: PeerID, _ member: MemberID) -> Bool {
        guard let index = membership.index(of: peer, member) else { return false }
        return dispatcher.expects(item, from: membership[index])
    }

    /// Whether this is a candidate: it has been welcomed and has not proved itself yet.
    package func isPreparing(_ member: MemberID) -> Bool { membership.candidate(member) != nil }

    /// The step under way, or the version of the weights under evaluation; nil before the first step.
    package var step: UInt64? { dispatcher.step }

    /// Whether an item is a tree node of the step under way.
    func containsNode(_ item: WorkItem) -> Bool { dispatcher.contains(item) }

    /// The connection of a member or candidate.
    package func peer(of member: MemberID) -> PeerID? {
        membership.index(of: member).map { membership[$0].peer } ?? membership.candidate(member)?.peer
    }

    /// Whether the step under way is audited: its answers are compared before they count.
    package var isAudited: Bool { dispatcher.isAudited }

    /// What has happened to the members and their work so far.
    package var counts: MembershipCounts {
        var counts = eventCounts
        counts.speculativeItems = dispatcher.speculativeItems
        return counts
    }

    /// Whether every item of the step or evaluation is answered.
    package var isWorkComplete: Bool { dispatcher.isComplete }

    /// The active members and their connections.
    package var activeMembers: [(peer: PeerID, info: MemberInfo)] { membership.active }

    /// The idle members that read the data set in memory of their own, and their connections.
    package var idleMembersWithOwnData: [(peer: PeerID, id: MemberID)] { membership.idleWithOwnData }

    /// The number of processes that compute for the active members.
    package var activeCount: Int { membership.activeCount }

    /// The number of processes that compute steps: all active members, or those with which steps are fastest; 0 if the
    /// coordinator computes alone.
    package var computingCount: Int {
        guard let processes = workerCount.processes, !processes.isCoordinatorAlone else {
            return coordinatorComputesAlone ? 0 : membership.activeCount
        }
        return min(processes.workers, membership.count) + (processes.includesCoordinator ? 1 : 0)
    }

    /// Whether work waits because no worker is left.
    package var waitsForWorker: Bool { phase.stage == .waiting }

    /// Whether a member has not answered everything.
    package var hasOutstandingWork: Bool { membership.hasOutstandingWork }

    /// Whether enough processes are there for the first step.
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
            case .running: dispatcher.isEvaluation ? .evaluating : .training
            case .waiting: .waiting
            case .ended: .ending
            }
        return ClusterStatus(
            phase: phase, step: step,
            workers: membership.status(coordinatorComputesAlone: coordinatorComputesAlone), lost: counts.lost,
            joined: counts.joined, shardsReassigned: counts.shardsReassigned)
    }
}

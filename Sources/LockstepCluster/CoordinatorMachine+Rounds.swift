import LockstepSharding
import LockstepTimeline

/// Steps and evaluations: who computes what.
extension CoordinatorMachine {
    /// An assignment plan depends on the tree's samples and on how many workers share them.
    struct PlanKey: Hashable, Sendable {
        let samples: Int
        let workers: Int
    }

    /// Starts a step: every idle member gets the weights and its nodes by the plan; a spare gets an empty assignment.
    mutating func begin(
        step: UInt64, _ tree: SummationTree, isAudited: Bool, into actions: inout [CoordinatorAction]
    ) {
        var round = Round(work: .step(tree), step: step, pending: [])
        if isAudited {
            round.audit = Audit()
            count { $0.stepsAudited += 1 }
        }
        start(round, into: &actions)
        arrivals.begin(tree)
        published.turn(to: step + 1)
        if isAloneInStep { return finishAlone(into: &actions) }
        let idle = members.count(where: \.isIdle)
        guard idle > 0 else {
            let whole = tree.nodes(coveringAll: configuration.splitsRoot).map(\.rawValue)
            self.round?.pending = isAudited ? whole.flatMap { [$0, $0] } : whole
            return
        }
        assignPlan(of: tree, limit: activityLimit, into: &actions)
        if isAudited { dispatch(into: &actions) }
    }

    /// Hands the nodes out. Members that rest come last, as spares, unless there would be nobody else.
    ///
    /// At most `limit` members compute, where there is one; those that are not needed are then told nothing at all, and get
    /// the weights when they are.
    private mutating func assignPlan(
        of tree: SummationTree, limit: Int?, into actions: inout [CoordinatorAction]
    ) {
        var (idle, resting) = (0, 0)
        for index in members.indices where members[index].isIdle {
            members[index].isResting = members[index].pace.sitsOut()
            idle += 1
            if members[index].isResting { resting += 1 }
        }
        let everybody = resting == idle
        let workers = min(everybody ? idle : idle - resting, limit ?? idle)
        let plan = plan(for: tree, workers: workers)
        var rank = 0
        for index in members.indices where members[index].isIdle {
            let works = rank < workers && (everybody || !members[index].isResting)
            members[index].isInReserve = limit != nil && !(works && !plan.nodes[rank].isEmpty)
            guard works, !plan.nodes[rank].isEmpty else {
                if works { rank += 1 }
                if !members[index].isInReserve { assign(0, to: index, into: &actions) }
                continue
            }
            for node in plan.nodes[rank] {
                assign(node.rawValue, to: index, into: &actions)
                if round?.audit != nil { round?.pending.append(node.rawValue) }
            }
            rank += 1
        }
    }

    /// Starts an evaluation: the blocks go out as members answer.
    mutating func begin(
        evaluation version: UInt64, _ blocks: [UInt32], now: Instant, into actions: inout [CoordinatorAction]
    ) {
        var round = Round(work: .evaluation, step: version, pending: blocks)
        round.unanswered = Set(blocks)
        round.isComplete = blocks.isEmpty
        start(round, into: &actions)
        let isAlone = evaluations.begin(blocks: blocks.count, usual: pace.usual(.block), at: now)
        if configuration.tunesWorkerCount, isAlone || activeCount == 0 { return finishAlone(into: &actions) }
        dispatch(into: &actions)
    }

    private mutating func start(_ round: Round, into actions: inout [CoordinatorAction]) {
        if case .gathering = phase { phase = .running(waitingUntil: nil) }
        self.round = round
        waitIfAlone(into: &actions)
    }

    /// Takes an answer. One to a past round only frees its member; one that was never asked for means nothing.
    mutating func take(
        _ item: WorkItem, from peer: PeerID, _ member: MemberID, into actions: inout [CoordinatorAction]
    ) {
        guard let index = index(of: peer, member) else { return turnAway(peer, as: member, into: &actions) }
        guard let position = members[index].outstanding.firstIndex(where: { $0.item == item }) else { return }
        let assignment = members[index].outstanding.remove(at: position)
        measure(assignment, at: index, wasFirst: position == 0)
        if let round, round.includes(item) { complete(item, by: members[index].info, into: &actions) }
        dispatch(into: &actions)
        helpStragglers(into: &actions)
        guard let index = self.index(of: peer, member) else { return }
        overtake(by: index, into: &actions)
        if members[index].isIdle { sendPublished(to: index, into: &actions) }
    }

    private mutating func complete(_ item: WorkItem, by member: MemberInfo, into actions: inout [CoordinatorAction]) {
        switch item.kind {
        case .node:
            guard item.isWork else { return }
            if round?.audit != nil {
                if let (first, second) = round?.audit?.add(item.number, from: member) {
                    actions.append(.compare(item, first, second))
                }
            } else {
                settle(item)
            }
        case .block:
            round?.unanswered.remove(item.number)
            if round?.unanswered.isEmpty == true { round?.isComplete = true }
        }
    }

    /// A node's sum is in.
    mutating func settle(_ item: WorkItem) {
        if arrivals.insert(item.node, lane: 0, add: { _, _, _ in }) == .complete { round?.isComplete = true }
    }

    /// Hands the items of a member that has gone to the others.
    ///
    /// - Returns: The shards among them whose sums are still missing.
    mutating func handOn(_ items: [Assignment], into actions: inout [CoordinatorAction]) -> Int {
        defer { waitIfAlone(into: &actions) }
        guard let round, !round.isComplete else { return 0 }
        var shards = 0
        for item in items.map(\.item) where round.includes(item) && item.isWork {
            guard isWanted(item), round.audit != nil || !isHeld(item) else { continue }
            if case .step(let tree) = round.work { shards += tree.leaves(of: item.node).count }
            self.round?.pending.append(item.number)
        }
        self.round?.pending.sort()
        count { $0.shardsReassigned += shards }
        dispatch(into: &actions)
        return shards
    }

    /// Whether an item of the round needs no answer any more.
    func isAnswered(_ item: WorkItem) -> Bool {
        guard let round else { return true }
        switch round.work {
        case .step: return arrivals.isKnown(item.node, lane: 0)
        case .evaluation: return !round.unanswered.contains(item.number)
        }
    }

    private func isHeld(_ item: WorkItem) -> Bool {
        members.contains { $0.holds(item) }
    }

    /// Gives pending items to members that have room for them, those with the least first.
    mutating func dispatch(into actions: inout [CoordinatorAction]) {
        guard let round, !round.isComplete, !round.pending.isEmpty else { return }
        for held in 0..<round.window {
            let candidates = members.indices.filter {
                members[$0].isActive && members[$0].outstanding.count == held
            }
            self.round?.split(to: candidates.count)
            for index in candidates {
                guard let position = self.round?.pending.firstIndex(where: { mayGet($0, index) }) else { continue }
                guard let number = self.round?.pending.remove(at: position) else { return }
                assign(number, to: index, into: &actions)
            }
        }
        computeSecondCopies(into: &actions)
    }

    /// Whether a member may be given an item: in an audit, no process computes both copies of a node, as whichever member.
    func mayGet(_ number: UInt32, _ index: Int) -> Bool {
        guard let round, let audit = round.audit else { return true }
        let item = round.item(number)
        return audit.wants(number, from: members[index].info)
            && !members.contains { $0.process == members[index].process && $0.holds(item) }
    }

    /// Gives an item of the round to a member, after whatever it lacks of the round's weights.
    mutating func assign(_ number: UInt32, to index: Int, into actions: inout [CoordinatorAction]) {
        guard let round else { return }
        let (peer, id) = (members[index].peer, members[index].id)
        if !members[index].sharesMemory {
            members[index].weights[round.step].turn(to: round.step)
            for chunk in 0..<configuration.chunks where members[index].weights[round.step].insert(chunk) {
                actions.append(.sendParameters(peer, id, version: round.step, chunk: chunk))
            }
        }
        let item = round.item(number)
        if members[index].outstanding.isEmpty { members[index].busySince = clock.now }
        members[index].outstanding.append(Assignment(item: item, sampleCount: round.sampleCount(of: number)))
        if item.isWork { noteLateness(ofLast: index) }
        actions.append(.assign(peer, id, item))
    }

    private mutating func plan(for tree: SummationTree, workers: Int) -> AssignmentPlan {
        let key = PlanKey(samples: tree.samples, workers: workers)
        if let plan = plans[key] { return plan }
        let plan = AssignmentPlan(tree: tree, workers: workers, splitsRoot: configuration.splitsRoot)
        plans[key] = plan
        return plan
    }
}

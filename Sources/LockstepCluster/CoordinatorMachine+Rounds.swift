import LockstepSharding

/// Steps and evaluations: who computes what, and who gets which weights.
extension CoordinatorMachine {
    /// An assignment plan depends on the tree's samples and on how many workers share them.
    struct PlanKey: Hashable, Sendable {
        let samples: Int
        let workers: Int
    }

    /// Starts a step: every idle member gets the weights and its nodes by the plan; a spare gets an empty assignment.
    mutating func begin(step: UInt64, _ tree: SummationTree, into actions: inout [CoordinatorAction]) {
        start(Round(work: .step(tree), step: step, pending: []))
        arrivals.begin(tree)
        published.turn(to: step + 1)
        let workers = members.count(where: \.isIdle)
        guard workers > 0 else {
            round?.pending = [tree.root.rawValue]
            return
        }
        let plan = plan(for: tree, workers: workers)
        var rank = 0
        for index in members.indices where members[index].isIdle {
            for node in plan.nodes[rank] { assign(node.rawValue, to: index, into: &actions) }
            if plan.nodes[rank].isEmpty { assign(0, to: index, into: &actions) }
            rank += 1
        }
    }

    /// Starts an evaluation: the blocks go out as members answer.
    mutating func begin(evaluation version: UInt64, _ blocks: [UInt32], into actions: inout [CoordinatorAction]) {
        var round = Round(work: .evaluation, step: version, pending: blocks)
        round.unanswered = Set(blocks)
        round.isComplete = blocks.isEmpty
        start(round)
        dispatch(into: &actions)
    }

    private mutating func start(_ round: Round) {
        if case .gathering = phase { phase = .running(waitingUntil: nil) }
        self.round = round
    }

    /// Takes an answer. One to a past round only frees its member; one that was never asked for means nothing.
    mutating func take(
        _ unit: WorkUnit, from peer: PeerID, _ member: MemberID, into actions: inout [CoordinatorAction]
    ) {
        guard let index = index(of: peer, member) else { return refuseStranger(peer, into: &actions) }
        guard let position = members[index].outstanding.firstIndex(of: unit) else { return }
        members[index].outstanding.remove(at: position)
        if let round, round.kind == unit.kind, round.step == unit.step { complete(unit) }
        dispatch(into: &actions)
        if members[index].isIdle { sendPublished(to: index, into: &actions) }
    }

    private mutating func complete(_ unit: WorkUnit) {
        switch unit.kind {
        case .node:
            guard unit.number != 0 else { return }
            if arrivals.insert(unit.node, lane: 0, add: { _, _, _ in }) == .complete { round?.isComplete = true }
        case .block:
            round?.unanswered.remove(unit.number)
            if round?.unanswered.isEmpty == true { round?.isComplete = true }
        }
    }

    /// Hands the units of a member that has gone to the others.
    ///
    /// - Returns: The shards among them whose sums are still missing.
    mutating func handOn(_ units: [WorkUnit], now: Moment, into actions: inout [CoordinatorAction]) -> Int {
        defer { waitIfAlone(now: now, into: &actions) }
        guard let round, !round.isComplete else { return 0 }
        var shards = 0
        for unit in units where unit.kind == round.kind && unit.step == round.step && unit.number != 0 {
            switch round.work {
            case .step(let tree):
                guard !arrivals.isKnown(unit.node, lane: 0), !isHeld(unit) else { continue }
                shards += tree.leaves(of: unit.node).count
            case .evaluation:
                guard round.unanswered.contains(unit.number), !isHeld(unit) else { continue }
            }
            self.round?.pending.append(unit.number)
        }
        self.round?.pending.sort()
        count { $0.shardsReassigned += shards }
        dispatch(into: &actions)
        return shards
    }

    private func isHeld(_ unit: WorkUnit) -> Bool {
        members.contains { $0.outstanding.contains(unit) }
    }

    /// Gives pending units to members that have room for them, those with the least first.
    mutating func dispatch(into actions: inout [CoordinatorAction]) {
        guard let round, !round.isComplete, !round.pending.isEmpty else { return }
        for held in 0..<round.window {
            let candidates = members.indices.filter {
                members[$0].isActive && members[$0].outstanding.count == held
            }
            self.round?.split(to: candidates.count)
            for index in candidates {
                guard let unit = self.round?.pending.first else { return }
                self.round?.pending.removeFirst()
                assign(unit, to: index, into: &actions)
            }
        }
    }

    /// Gives a unit of the round to a member, after whatever it lacks of the round's weights.
    private mutating func assign(_ number: UInt32, to index: Int, into actions: inout [CoordinatorAction]) {
        guard let round else { return }
        let (peer, id) = (members[index].peer, members[index].id)
        if !members[index].sharesMemory {
            members[index].weights[round.step].turn(to: round.step)
            for chunk in 0..<terms.chunks where members[index].weights[round.step].insert(chunk) {
                actions.append(.sendParameters(peer, id, version: round.step, chunk: chunk))
            }
        }
        let unit = WorkUnit(kind: round.kind, step: round.step, number: number)
        members[index].outstanding.append(unit)
        actions.append(.assign(peer, id, unit))
    }

    /// A chunk of the next weights is final: those who have answered get it at once.
    mutating func publish(version: UInt64, chunk: Int, into actions: inout [CoordinatorAction]) {
        published.turn(to: version)
        guard published.insert(chunk) else { return }
        for index in members.indices where isAwaiting(version, index) {
            send(version: version, chunk: chunk, to: index, into: &actions)
        }
    }

    /// A member has answered: it gets what became final meanwhile.
    private mutating func sendPublished(to index: Int, into actions: inout [CoordinatorAction]) {
        let version = published.version
        guard published.count > 0, isAwaiting(version, index) else { return }
        for chunk in 0..<terms.chunks where published.contains(chunk) {
            send(version: version, chunk: chunk, to: index, into: &actions)
        }
    }

    /// Only a member that has the weights before is sent the next ones early; a new one gets all of them in time, and
    /// one that shares memory has them.
    private func isAwaiting(_ version: UInt64, _ index: Int) -> Bool {
        version > 0 && members[index].isIdle && members[index].weights[version - 1].isComplete(version - 1)
    }

    private mutating func send(
        version: UInt64, chunk: Int, to index: Int, into actions: inout [CoordinatorAction]
    ) {
        members[index].weights[version].turn(to: version)
        guard members[index].weights[version].insert(chunk) else { return }
        actions.append(.sendParameters(members[index].peer, members[index].id, version: version, chunk: chunk))
    }

    private mutating func plan(for tree: SummationTree, workers: Int) -> AssignmentPlan {
        let key = PlanKey(samples: tree.samples, workers: workers)
        if let plan = plans[key] { return plan }
        let plan = AssignmentPlan(tree: tree, workers: workers)
        plans[key] = plan
        return plan
    }
}

import LockstepCluster
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import LockstepTraining

/// The coordinator's loop and its trainer.
extension Simulation {
    func wakeCoordinator(at instant: UInt64) {
        let instant = max(instant, coordinatorBusyUntil)
        guard instant < nextWake else { return }
        nextWake = instant
        queue.add(.coordinatorWakes, at: instant)
    }

    /// One turn: handles the inputs, then the deadlines.
    func wakeCoordinator() {
        // Only the turn that was planned last counts.
        guard time >= nextWake else { return }
        nextWake = .max
        guard stage != .ended else { return }
        guard coordinatorBusyUntil <= time else { return wakeCoordinator(at: coordinatorBusyUntil) }
        advance()
        while !inbox.isEmpty, stage != .ended, coordinatorBusyUntil <= time {
            receive(inbox.removeFirst())
            advance()
        }
        guard stage != .ended else { return }
        if hasBacklog == inbox.isEmpty {
            hasBacklog.toggle()
            handle(.inputBacklog(hasBacklog))
        }
        guard coordinatorBusyUntil <= time else { return wakeCoordinator(at: coordinatorBusyUntil) }
        if let deadline = machine.nextDeadline, deadline <= now {
            handle(.tick)
            advance()
        }
        if let deadline = machine.nextDeadline { wakeCoordinator(at: max(time + 1, deadline.nanoseconds)) }
    }

    private func receive(_ input: Input) {
        switch input {
        case .lost(let connection):
            handle(.peerLost(peer(connection), reason: "its connection ended"))
        case .message(let connection, let message):
            receive(message, from: peer(connection))
        }
    }

    private func peer(_ connection: Int) -> PeerID { PeerID(rawValue: UInt32(connection)) }

    private func receive(_ message: Upward, from peer: PeerID) {
        let before = machine.activeMembers.first { $0.peer == peer }?.info
        outdatedPeer = before != nil && message.speaker != nil && message.speaker?.member != before?.id ? peer : nil
        if outdatedPeer != nil { outdated += 1 }
        dispatch(message, from: peer)
        if outdatedPeer != nil, machine.activeMembers.first(where: { $0.peer == peer })?.info != before {
            report("a message of an earlier membership ended the present one, \(String(describing: before))")
        }
        outdatedPeer = nil
    }

    private func dispatch(_ message: Upward, from peer: PeerID) {
        if case .hello(let hello) = message { return handle(.hello(peer, hello)) }
        if case .ping = message { return send(.pong, to: peer) }
        guard let speaker = message.speaker, speaker.run == Self.run else { return handle(.messageOfOtherRun(peer)) }
        let member = speaker.member
        switch message {
        case .hello, .ping:
            break
        case .dataRequest(_, let offset, let count):
            handle(.dataRequested(peer, member, offset: offset, count: count))
        case .ready(_, let ready):
            handle(.ready(peer, member, ready, sharesMemory: plan.sharesMemory))
        case .gradient(_, let item, let part, let answer):
            receiveGradient(item, part, answer, from: peer, member)
        case .result(_, let item, let answer):
            if machine.expects(item, from: peer, member) {
                guard item.kind == .block || parts.isComplete(item, from: member) else {
                    return handle(.peerLost(peer, reason: "it broke the protocol"))
                }
                receive(answer, of: item, from: member)
            }
            handle(.answered(peer, member, item))
        case .goodbye(_, let goodbye):
            handle(.goodbye(peer, member, goodbye))
        }
    }

    private func receiveGradient(
        _ item: WorkItem, _ part: ChunkPart, _ answer: Answer, from peer: PeerID, _ member: MemberID
    ) {
        guard machine.expects(item, from: peer, member) else {
            if item.step != version || answer.digest != digest { overwritten += 1 }
            return
        }
        guard let isFirst = try? parts.insert(part, of: item, from: member) else {
            return handle(.peerLost(peer, reason: "it broke the protocol"))
        }
        if isFirst { handle(.answering(peer, member, item)) }
        guard part.isLast else { return }
        if machine.isAudited {
            copies[CopyKey(item: item, member: member), default: emptyCopy].gradients[part.chunk] = answer
        } else {
            push(item, part.chunk, answer)
        }
    }

    private func receive(_ answer: Answer, of item: WorkItem, from member: MemberID) {
        switch item.kind {
        case .node:
            if machine.isAudited {
                copies[CopyKey(item: item, member: member), default: emptyCopy].result = answer
            } else {
                pushLoss(item, answer)
            }
        case .block:
            if answer.digest != digest { report("a block was scored with wrong weights: \(item)") }
            if !scored.insert(item.number).inserted { report("a block counted twice: \(item)") }
        }
    }

    /// The digest of the present weights.
    var digest: UInt64 { StandInArithmetic.digest(weights[Int(version & 1)]) }

    private func copy(_ item: WorkItem, _ member: MemberID) -> Copy {
        copies[CopyKey(item: item, member: member)] ?? emptyCopy
    }

    private var emptyCopy: Copy { Copy(gradients: Array(repeating: nil, count: plan.chunks)) }

    // MARK: - The trainer

    /// Adds a gradient to the reducer, and checks that it was computed from the step's weights.
    private func push(_ item: WorkItem, _ chunk: Int, _ answer: Answer) {
        guard item.step == version, answer.digest == digest else {
            return report("a gradient of wrong or overwritten weights would count: \(item)")
        }
        let tree = tree(of: version)
        StandInArithmetic.gradient(
            of: item.node, in: tree, chunk: chunk, digest: answer.digest, into: scratch.pointer, count: plan.batch)
        if answer.faultyProcess > 0 { scratch.pointer[tree.samples(of: item.node).lowerBound] += 1 }
        guard let total = reducer.add(item.node, chunk: chunk, scratch.pointer, isStable: false) else { return }
        let sum = total.compute(total.range, in: sumRoom.pointer)
        for element in 0..<plan.batch {
            let expected =
                element < tree.samples
                ? StandInArithmetic.gradient(sample: element, chunk: chunk, digest: answer.digest) : 0
            guard sum[element] == expected else {
                return report("step \(version): sample \(element) of chunk \(chunk) is not in the sum exactly once")
            }
        }
        let next = Int((version + 1) & 1)
        weights[next][chunk] = StandInArithmetic.update(
            weights[Int(version & 1)][chunk], sum: sum, count: plan.batch)
        updatedChunks += 1
        // Without a step the machine needs to know nothing of its weights.
        if machine.computesAloneUntil == nil { handle(.chunkUpdated(version: version + 1, chunk: chunk)) }
    }

    private func pushLoss(_ unit: WorkItem, _ answer: Answer) {
        let value = StandInArithmetic.loss(of: unit.node, in: tree(of: version), digest: answer.digest)
        reducer.add(unit.node, lossSum: value)
        loss = reducer.lossSum
    }

    /// Advances to the next stage while the present one is complete.
    func advance() {
        while stage != .ended, firstProblem == nil {
            guard coordinatorBusyUntil <= time else { return wakeCoordinator(at: coordinatorBusyUntil) }
            switch stage {
            case .gathering:
                guard machine.canStart else { return }
                goOn()
            case .step:
                guard machine.isWorkComplete else { return }
                let tree = tree(of: version)
                guard updatedChunks == plan.chunks else { return report("a step ended without all of its sums") }
                guard loss == StandInArithmetic.loss(of: tree.root, in: tree, digest: digest) else {
                    return report("the loss of step \(version) is wrong")
                }
                version += 1
                if plan.evaluateEvery > 0, version % UInt64(plan.evaluateEvery) == 0 {
                    stage = .evaluation
                    scored = []
                    handle(.beginEvaluation(version: version, blocks: (0..<UInt32(plan.blocks)).map { $0 }))
                } else {
                    goOn()
                }
            case .evaluation:
                guard machine.isWorkComplete else { return }
                guard scored.count == plan.blocks else { return report("an evaluation ended without all blocks") }
                handle(.evaluated)
                goOn()
            case .ended:
                return
            }
        }
    }

    private func goOn() {
        guard version < UInt64(plan.steps) else {
            return finish(Goodbye(code: .finished, message: "the run is finished"))
        }
        // Predictions change, so that the search begins with different numbers.
        if plan.tunesWorkerCount, version == 0 || random.chance(1, in: 3) {
            let times = { (counts: ClosedRange<Int>) in counts.map { _ in Double(self.random.number(1...100)) * 1e-3 } }
            handle(.predicted(seconds: times(0...plan.maximumWorkers), withCoordinator: times(1...plan.maximumWorkers)))
        }
        stage = .step
        updatedChunks = 0
        loss = nil
        copies = [:]
        let tree = tree(of: version)
        reducer.begin(tree)
        let isAudited = random.chance(plan.auditQuarters, in: 4)
        if let until = machine.computesAloneUntil, until > now, !isAudited {
            stepsAlone += 1
            return computeHere(WorkItem(kind: .node, step: version, number: tree.root.rawValue))
        }
        handle(.beginStep(version, tree, isAudited: isAudited))
    }

    /// Ends the coordinator: its last messages are under way, its connections end, and with them its own workers.
    private func finish(_ goodbye: Goodbye) {
        stage = .ended
        handle(.stop(goodbye))
        for connection in connections.indices where connections[connection].isOpen {
            let rest = connections[connection].lastDown > time ? connections[connection].lastDown - time : 0
            breakConnection(connection, coordinatorAfter: 0, workerAfter: rest + delay())
            connections[connection].deliversRest = true
        }
        for index in processes.indices where processes[index].hangs {
            processes[index].isAlive = false
        }
    }

    // MARK: - Actions

    func handle(_ event: CoordinatorEvent) {
        let first = actions.count
        machine.handle(event, now: now, into: &actions)
        record?.append(event, now: now, actions: actions[first...])
        guard !isPerforming else { return }
        isPerforming = true
        var next = 0
        while next < actions.count {
            perform(actions[next])
            next += 1
        }
        actions.removeAll(keepingCapacity: true)
        isPerforming = false
        if let failure, stage != .ended { finish(Goodbye(code: .failed, message: "\(failure)")) }
    }

    private func perform(_ action: CoordinatorAction) {
        switch action {
        case .welcome(let peer, let member): send(.welcome(membership(member)), to: peer)
        case .refuse(let peer, let refusal):
            if peer == outdatedPeer { report("a message of an earlier membership was answered: \(refusal.message)") }
            send(.refuse(refusal), to: peer)
        case .sendData(let peer, let member, let offset, let count):
            send(.dataChunk(membership(member), offset: offset, count: count), to: peer)
        case .sendParameters(let peer, let member, let version, let chunk):
            for part in plan.parts(of: chunk) {
                send(.parameters(membership(member), version: version, part), to: peer)
            }
        case .assign(let peer, let member, let item):
            if plan.splitsRoot, item.kind == .node, isSumOfAll(item) {
                report("a sum that is the coordinator's was asked for: \(item)")
            }
            send(.assign(membership(member), item), to: peer)
        case .compare(let item, let first, let second): compare(item, first, second)
        case .recompute(let item, let members): recompute(item, members)
        case .computeHere(let item): computeHere(item)
        case .computeShare(let item):
            computeShare(item)
            handle(.computed(item))
        case .dismiss(let peer, let member, let goodbye): send(.goodbye(membership(member), goodbye), to: peer)
        case .notify(let notice): receive(notice)
        case .fail(let failure): self.failure = self.failure ?? failure
        }
    }

    /// Whether an item is the sum over all shards, and more than one.
    private func isSumOfAll(_ item: WorkItem) -> Bool {
        let tree = tree(of: item.step)
        return item.node == tree.root && tree.children(of: tree.root) != nil
    }

    private func membership(_ member: MemberID) -> WorkerMachine.Membership {
        WorkerMachine.Membership(run: Self.run, member: member)
    }

    private func compare(_ item: WorkItem, _ first: MemberID, _ second: MemberID) {
        let areEqual = copy(item, first) == copy(item, second)
        if areEqual { release(copy(item, first), of: item) }
        handle(.compared(item, areEqual: areEqual))
    }

    private func recompute(_ item: WorkItem, _ members: [MemberID]) {
        let answer = Answer(digest: digest)
        let own = Copy(gradients: Array(repeating: answer, count: plan.chunks), result: answer)
        release(own, of: item)
        handle(.recomputed(item, wrong: members.filter { copy(item, $0) != own }))
    }

    private func computeHere(_ item: WorkItem) {
        computedByCoordinator += 1
        let answer = Answer(digest: digest)
        switch item.kind {
        case .node:
            for chunk in 0..<plan.chunks { push(item, chunk, answer) }
            pushLoss(item, answer)
        case .block:
            receive(answer, of: item, from: MemberID(rawValue: 0))
        }
        let sampleCount = item.kind == .node ? tree(of: item.step).samples : 3
        coordinatorBusyUntil = max(coordinatorBusyUntil, time) + UInt64(sampleCount) * plan.nanosecondsPerSample
    }

    private func computeShare(_ item: WorkItem) {
        sharesComputed += 1
        let answer = Answer(digest: digest)
        for chunk in 0..<plan.chunks { push(item, chunk, answer) }
        pushLoss(item, answer)
        let samples = tree(of: item.step).samples(of: item.node).count
        coordinatorBusyUntil = max(coordinatorBusyUntil, time) + UInt64(samples) * plan.nanosecondsPerSample
    }

    private func release(_ copy: Copy, of item: WorkItem) {
        for (chunk, answer) in copy.gradients.enumerated() {
            guard let answer else { return report("a copy without all of its chunks counts") }
            push(item, chunk, answer)
        }
        if let result = copy.result { pushLoss(item, result) }
    }

    private func receive(_ notice: ClusterNotice) {
        log { "coordinator: \(notice)" }
        switch notice {
        case .quarantined(let member, _, _, _):
            if !processes[Int(member.processID)].isFaulty { report("\(member) is correct and was quarantined") }
        case .slow:
            slowReports += 1
        case .workerCount:
            workerCountChoices += 1
        default:
            break
        }
    }
}

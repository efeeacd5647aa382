import LockstepProtocol
import LockstepTimeline

/// Joining, proving and leaving.
extension CoordinatorMachine {
    /// Welcomes a peer, or says why not. A member that says hello again has started anew: its old membership ends. One
    /// that has only been welcomed may have asked twice because the answer took long: the answer stays the same.
    ///
    /// Should the hello be an old one that has come again, its worker still takes part: so it is told of the end of its
    /// membership, which one that waits for a welcome does not mind.
    mutating func admit(_ peer: PeerID, _ hello: Hello, into actions: inout [CoordinatorAction]) {
        if let member = members.first(where: { $0.peer == peer }) {
            if !member.isActive, member.hello == hello { return actions.append(.welcome(peer, member.id)) }
            evict(member, reason: "it joined anew", into: &actions)
        }
        if let refusal = refusal(of: hello) {
            actions.append(.refuse(peer, refusal))
            actions.append(.notify(.refused(host: hello.host, refusal)))
            return
        }
        lastMember += 1
        let deadline = clock.now.advanced(bySeconds: configuration.deadlines.handshake)
        let member = Member(
            id: MemberID(rawValue: lastMember), peer: peer, hello: hello, phase: .welcomed(until: deadline),
            chunks: configuration.chunks)
        members.append(member)
        actions.append(.welcome(peer, member.id))
    }

    private func refusal(of hello: Hello) -> Refusal? {
        if phase == .ended {
            return Refusal(code: .ending, message: "the run is ending")
        }
        if hello.programVersion != configuration.programVersion {
            return Refusal(
                code: .programVersion,
                message:
                    "the worker runs lockstep \(hello.programVersion), the coordinator \(configuration.programVersion); "
                    + "a run's weights depend on it: install the same version")
        }
        if quarantine.contains(ProcessIdentity(host: hello.host, processID: hello.processID)) {
            return Refusal(
                code: .quarantined,
                message: "this process has computed a wrong gradient; check the host's memory and processor")
        }
        if members.count >= configuration.maximumWorkers {
            return Refusal(
                code: .full,
                message: "the run has its \(configuration.maximumWorkers) workers; raise --workers to admit more")
        }
        return nil
    }

    /// Admits a member whose fingerprint is the coordinator's own.
    mutating func activate(
        _ peer: PeerID, _ member: MemberID, _ ready: Ready, sharesMemory: Bool,
        into actions: inout [CoordinatorAction]
    ) {
        guard let index = index(of: peer, member) else { return turnAway(peer, as: member, into: &actions) }
        // Said twice, it counts once.
        guard case .welcomed = members[index].phase else { return }
        let isEqual = ready.fingerprint == configuration.expected.fingerprint
        guard isEqual || configuration.allowsMixedKernels else {
            let info = members[index].info
            members.remove(at: index)
            let refusal = Refusal(
                code: .fingerprint,
                message: "the worker's kernel \(ready.kernel) computes other bits than the coordinator's "
                    + "\(configuration.expected.kernel); start the run with --kernel portable, or accept it with "
                    + "--allow-mixed-kernels")
            actions.append(.refuse(peer, refusal))
            actions.append(.notify(.refused(host: info.host, refusal)))
            return
        }
        members[index].phase = .active
        members[index].sharesMemory = sharesMemory
        count { counts in
            counts.joined += 1
            if !isEqual { counts.isBitwiseReproducible = false }
        }
        if case .running = phase { phase = .running(waitingUntil: nil) }
        let info = members[index].info
        actions.append(
            .notify(
                isEqual
                    ? .joined(info, active: activeCount)
                    : .joinedWithOtherBits(info, kernel: ready.kernel, active: activeCount)))
        dispatch(into: &actions)
    }

    /// Serves a piece of the data set; a member that fetches it is alive, so its deadline moves on.
    mutating func serveData(
        _ peer: PeerID, _ member: MemberID, offset: UInt64, count: Int,
        into actions: inout [CoordinatorAction]
    ) {
        guard let index = index(of: peer, member) else { return turnAway(peer, as: member, into: &actions) }
        // It had the last piece before it said that it was ready: this is an old question.
        guard case .welcomed = members[index].phase else { return }
        guard
            (1...MessageKind.payloadLimit).contains(count), offset < configuration.dataBytes,
            UInt64(count) <= configuration.dataBytes - offset
        else {
            return lose(peer, reason: "it asked for bytes that the data set does not have", into: &actions)
        }
        members[index].phase = .welcomed(until: clock.now.advanced(bySeconds: configuration.deadlines.handshake))
        actions.append(.sendData(peer, member, offset: offset, count: count))
    }

    mutating func bidFarewell(
        _ peer: PeerID, _ member: MemberID, _ goodbye: Goodbye, into actions: inout [CoordinatorAction]
    ) {
        guard let index = index(of: peer, member) else {
            // Whoever says goodbye wants no answer.
            dropOutdated(peer, as: member, into: &actions)
            return
        }
        let removed = members.remove(at: index)
        actions.append(.notify(.left(removed.info, goodbye, active: activeCount)))
        _ = handOn(removed.outstanding, into: &actions)
    }

    /// Ends the membership behind a connection; its unfinished nodes go to the others within the step.
    mutating func lose(_ peer: PeerID, reason: String, into actions: inout [CoordinatorAction]) {
        guard let index = members.firstIndex(where: { $0.peer == peer }) else { return }
        let removed = members.remove(at: index)
        guard phase != .ended else { return }
        if removed.isActive { count { $0.lost += 1 } }
        let notice = actions.endIndex
        let shards = handOn(removed.outstanding, into: &actions)
        actions.insert(
            .notify(.lost(removed.info, reason: reason, shardsReassigned: shards, active: activeCount)), at: notice)
    }

    /// Deals with a message of somebody whom its sender is not: of an unknown member, or (nil) of another run.
    ///
    /// Over the connection of a present member it is one of an earlier membership that has come again, for messages keep
    /// their order: it is dropped, and the member does not notice. Whoever has no membership is told to say hello.
    func turnAway(_ peer: PeerID, as speaker: MemberID?, into actions: inout [CoordinatorAction]) {
        guard !dropOutdated(peer, as: speaker, into: &actions) else { return }
        actions.append(
            .refuse(peer, Refusal(code: .rejoin, message: "not a member of this run; say hello again")))
    }

    /// Drops what has come over a present member's connection in another name; whether there is such a member.
    @discardableResult
    private func dropOutdated(
        _ peer: PeerID, as speaker: MemberID?, into actions: inout [CoordinatorAction]
    ) -> Bool {
        guard let member = members.first(where: { $0.peer == peer }) else { return false }
        actions.append(.notify(.outdated(member.info, saidAs: speaker)))
        return true
    }

    /// Ends the run: every member is told.
    mutating func end(_ goodbye: Goodbye, into actions: inout [CoordinatorAction]) {
        phase = .ended
        round = nil
        for member in members { actions.append(.dismiss(member.peer, member.id, goodbye)) }
    }

    mutating func checkDeadlines(into actions: inout [CoordinatorAction]) {
        for member in members {
            if case .welcomed(let until) = member.phase, until <= clock.now {
                evict(member, reason: "it took too long to get ready", into: &actions)
            } else if let deadline = evictionDeadline(of: member), deadline <= clock.now {
                evictions += 1
                let seconds = Double(clock.now.nanoseconds - member.busySince.nanoseconds) * 1e-9
                evict(member, reason: "it has not answered for \(Int(seconds)) s", into: &actions)
            }
        }
        helpStragglers(into: &actions)
        switch phase {
        case .gathering(let until) where until <= clock.now:
            actions.append(
                .fail(
                    .tooFewWorkers(
                        joined: activeCount, needed: configuration.minimumWorkers,
                        seconds: configuration.deadlines.start)))
        case .running(let until?) where until <= clock.now:
            actions.append(.fail(.noWorkersLeft(seconds: configuration.deadlines.rejoin)))
        default:
            break
        }
    }

    /// When a member must have answered, if it has anything to answer.
    func evictionDeadline(of member: Member) -> Instant? {
        guard let first = member.outstanding.first else { return nil }
        let usual = pace.usual(first.item.kind).map { $0 * Double(first.sampleCount) }
        return member.busySince.advanced(
            bySeconds: configuration.deadlines.step(usual: usual, evictions: evictions))
    }

    /// Ends a membership and says so to the worker, should it hear it: it may join anew.
    private mutating func evict(_ member: Member, reason: String, into actions: inout [CoordinatorAction]) {
        actions.append(.refuse(member.peer, Refusal(code: .rejoin, message: reason)))
        lose(member.peer, reason: reason, into: &actions)
    }

    /// Ends the membership of a worker whose answer an audit has found wrong, and remembers the process.
    mutating func quarantine(_ id: MemberID, step: UInt64, node: UInt32, into actions: inout [CoordinatorAction]) {
        count { $0.quarantined += 1 }
        guard let index = members.firstIndex(where: { $0.id == id }) else { return }
        let removed = members.remove(at: index)
        quarantine.insert(removed.process)
        let refusal = Refusal(
            code: .quarantined,
            message: "its answer for node \(node) of step \(step) was wrong; check the host's memory and processor")
        actions.append(.refuse(removed.peer, refusal))
        actions.append(.notify(.quarantined(removed.info, step: step, node: node, active: activeCount)))
        _ = handOn(removed.outstanding, into: &actions)
    }

    /// Starts to wait for a worker if the last one has gone, or goes on without.
    mutating func waitIfAlone(into actions: inout [CoordinatorAction]) {
        if configuration.tunesWorkerCount {
            if activeCount == 0 { finishAlone(into: &actions) }
            return
        }
        guard phase == .running(waitingUntil: nil), activeCount == 0 else { return }
        phase = .running(waitingUntil: clock.now.advanced(bySeconds: configuration.deadlines.rejoin))
        actions.append(.notify(.waiting(seconds: configuration.deadlines.rejoin)))
    }

    func index(of peer: PeerID, _ member: MemberID) -> Int? {
        members.firstIndex { $0.peer == peer && $0.id == member }
    }
}

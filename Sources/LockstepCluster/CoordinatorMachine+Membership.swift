import LockstepProtocol

/// Joining, proving and leaving.
extension CoordinatorMachine {
    /// Welcomes a peer, or says why not. A member that says hello again has started anew: its old membership ends.
    mutating func admit(_ peer: PeerID, _ hello: Hello, now: Moment, into actions: inout [CoordinatorAction]) {
        if members.contains(where: { $0.peer == peer }) {
            lose(peer, reason: "it joined anew", now: now, into: &actions)
        }
        if let refusal = refusal(of: hello) {
            actions.append(.refuse(peer, refusal))
            actions.append(.notify(.refused(host: hello.host, refusal)))
            return
        }
        lastMember += 1
        let deadline = now.advanced(bySeconds: terms.deadlines.handshake)
        let member = Member(
            id: MemberID(rawValue: lastMember), peer: peer, hello: hello, phase: .welcomed(until: deadline),
            chunks: terms.chunks)
        members.append(member)
        actions.append(.welcome(peer, member.id))
    }

    private func refusal(of hello: Hello) -> Refusal? {
        if phase == .ended {
            return Refusal(code: .ending, message: "the run is ending")
        }
        if hello.programVersion != terms.programVersion {
            return Refusal(
                code: .programVersion,
                message: "the worker runs lockstep \(hello.programVersion), the coordinator \(terms.programVersion); "
                    + "a run's weights depend on it: install the same version")
        }
        if members.count >= terms.maximumWorkers {
            return Refusal(
                code: .full, message: "the run has its \(terms.maximumWorkers) workers; raise --workers to admit more")
        }
        return nil
    }

    /// Admits a member whose fingerprint is the coordinator's own.
    mutating func activate(
        _ peer: PeerID, _ member: MemberID, _ ready: Ready, sharesMemory: Bool,
        into actions: inout [CoordinatorAction]
    ) {
        guard let index = index(of: peer, member), case .welcomed = members[index].phase else {
            return refuseStranger(peer, into: &actions)
        }
        let isEqual = ready.fingerprint == terms.expected.fingerprint
        guard isEqual || terms.allowsMixedKernels else {
            let info = members[index].info
            members.remove(at: index)
            let refusal = Refusal(
                code: .fingerprint,
                message: "the worker's kernel \(ready.kernel) computes other bits than the coordinator's "
                    + "\(terms.expected.kernel); start the run with --kernel portable, or accept it with "
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
        _ peer: PeerID, _ member: MemberID, offset: UInt64, count: Int, now: Moment,
        into actions: inout [CoordinatorAction]
    ) {
        guard let index = index(of: peer, member), case .welcomed = members[index].phase else {
            return refuseStranger(peer, into: &actions)
        }
        guard
            (1...MessageKind.payloadLimit).contains(count), offset < terms.dataBytes,
            UInt64(count) <= terms.dataBytes - offset
        else {
            return lose(peer, reason: "it asked for bytes that the data set does not have", now: now, into: &actions)
        }
        members[index].phase = .welcomed(until: now.advanced(bySeconds: terms.deadlines.handshake))
        actions.append(.sendData(peer, member, offset: offset, count: count))
    }

    mutating func bidFarewell(
        _ peer: PeerID, _ member: MemberID, _ goodbye: Goodbye, now: Moment, into actions: inout [CoordinatorAction]
    ) {
        guard let index = index(of: peer, member) else { return }
        let removed = members.remove(at: index)
        actions.append(.notify(.left(removed.info, message: goodbye.message, active: activeCount)))
        _ = handOn(removed.outstanding, now: now, into: &actions)
    }

    /// Ends the membership behind a connection; its unfinished nodes go to the others within the step.
    mutating func lose(_ peer: PeerID, reason: String, now: Moment, into actions: inout [CoordinatorAction]) {
        guard let index = members.firstIndex(where: { $0.peer == peer }) else { return }
        let removed = members.remove(at: index)
        guard phase != .ended else { return }
        if removed.isActive { count { $0.lost += 1 } }
        let notice = actions.endIndex
        let shards = handOn(removed.outstanding, now: now, into: &actions)
        actions.insert(
            .notify(.lost(removed.info, reason: reason, shardsReassigned: shards, active: activeCount)), at: notice)
    }

    func refuseStranger(_ peer: PeerID, into actions: inout [CoordinatorAction]) {
        actions.append(
            .refuse(peer, Refusal(code: .rejoin, message: "not a member of this run; say hello again")))
    }

    /// Ends the run: every member is told.
    mutating func end(_ goodbye: Goodbye, into actions: inout [CoordinatorAction]) {
        phase = .ended
        round = nil
        for member in members { actions.append(.dismiss(member.peer, member.id, goodbye)) }
    }

    mutating func checkDeadlines(now: Moment, into actions: inout [CoordinatorAction]) {
        for member in members {
            if case .welcomed(let until) = member.phase, until <= now {
                actions.append(.refuse(member.peer, Refusal(code: .rejoin, message: "it took too long to get ready")))
                lose(member.peer, reason: "it took too long to get ready", now: now, into: &actions)
            }
        }
        switch phase {
        case .gathering(let until) where until <= now:
            actions.append(
                .fail(
                    .tooFewWorkers(
                        joined: activeCount, needed: terms.minimumWorkers, seconds: terms.deadlines.start)))
        case .running(let until?) where until <= now:
            actions.append(.fail(.noWorkersLeft(seconds: terms.deadlines.rejoin)))
        default:
            break
        }
    }

    /// Starts to wait for a worker if the last one has gone.
    mutating func waitIfAlone(now: Moment, into actions: inout [CoordinatorAction]) {
        guard phase == .running(waitingUntil: nil), activeCount == 0 else { return }
        phase = .running(waitingUntil: now.advanced(bySeconds: terms.deadlines.rejoin))
        actions.append(.notify(.waiting(seconds: terms.deadlines.rejoin)))
    }

    func index(of peer: PeerID, _ member: MemberID) -> Int? {
        members.firstIndex { $0.peer == peer && $0.id == member }
    }
}

import LockstepCluster
import LockstepData
import LockstepNetwork
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import LockstepSystem
import LockstepTraining
import ZeroMQ

/// What the machine wants done.
extension ClusterGradientSource {
    /// Takes an event in and does what comes of it, what comes of that included.
    func handle(_ event: CoordinatorEvent, _ push: (PartialResult) throws -> Void = { _ in }) throws {
        let now = Instant.now
        let first = actions.count
        machine.handle(event, now: now, into: &actions)
        history.append(event, actions[first...], at: now)
        if let events { events.append(event, now: now, actions: actions[first...]) }
        guard !isPerforming else { return }
        isPerforming = true
        defer {
            actions.removeAll(keepingCapacity: true)
            isPerforming = false
        }
        var index = 0
        while index < actions.count {
            try perform(actions[index], push)
            index += 1
        }
    }

    func perform(_ action: CoordinatorAction, _ push: (PartialResult) throws -> Void) throws {
        switch action {
        case .welcome(let peer, let member):
            try link.send(to: peer, header(.welcome, member), copying: welcome)
        case .refuse(let peer, let refusal):
            try link.send(to: peer, Header(kind: .refuse, run: run), copying: refusal.encoded())
        case .sendData(let peer, let member, let offset, let count):
            let start = Int(offset)
            let bytes = UnsafeRawBufferPointer(rebasing: dataset.bytes[start..<start + count])
            try link.post(to: peer, header(.dataChunk, member, step: offset), borrowing: bytes)
        case .sendParameters(let peer, let member, let version, let chunk):
            try sendParameters(to: peer, member, version: version, chunk: chunk)
        case .assign(let peer, let member, let unit):
            if unit.kind == .node {
                timeline?.mark(.departure, member: member.rawValue, unit: unit, isAnswer: false)
            }
            try link.post(to: peer, assignment(of: unit, to: member))
        case .compare(let unit, let first, let second):
            let areEqual = ledger.areEqual(unit.node, first, second)
            if areEqual { try ledger.release(unit.node, of: first, push) }
            try handle(.compared(unit, areEqual: areEqual), push)
        case .recompute(let unit, let copies):
            computeOwn(unit)
            try ledger.release(unit.node, of: nil, push)
            let wrong = copies.filter { !ledger.areEqual(unit.node, $0, nil) }
            try handle(.recomputed(unit, wrong: wrong), push)
        case .computeHere(let unit):
            try computeHere(unit, push)
        case .dismiss(let peer, let member, let goodbye):
            try link.send(to: peer, header(.goodbye, member), copying: goodbye.encoded())
        case .notify(let notice):
            switch notice {
            case .refused(_, let refusal):
                if refusals.add("\(refusal.code)", from: []) == nil { return }
            case .outdated:
                if refusals.add("outdated", from: []) == nil { return }
            case .lost(let member, _, _, _), .left(let member, _, _), .quarantined(let member, _, _, _):
                parts.forget(member.id)
            default:
                break
            }
            announce(notice)
        case .fail(let failure):
            throw failure
        }
    }

    /// Tells people, with the step under way.
    func announce(_ notice: ClusterNotice) {
        let words = notice.removedWorker.flatMap { lastWords.removeValue(forKey: $0.id) }
        supervision.notify(notice, machine.step, words ?? [])
    }

    private func computeOwn(_ unit: WorkItem) {
        let batch = Batch(step: unit.step, schedule: computer.schedule)
        ledger.computeOwn(unit.node) { gradient in
            computer.gradient(
                of: unit.node, in: batch, weights: parameters.forward(unit.step).pointer, into: gradient.pointer
            ) { _ in }
        }
    }

    /// Computes what the workers are not asked for.
    private func computeHere(_ unit: WorkItem, _ push: (PartialResult) throws -> Void) throws {
        switch unit.kind {
        case .node:
            try computeHere(Batch(step: unit.step, schedule: computer.schedule), with: local.rest, push)
        case .block:
            let named = EvaluationUnit(rawValue: unit.number)
            guard let split = named.dataSplit else { return }
            scores[unit.number] = computer.evaluator.score(
                of: split, block: named.block, weights: parameters[unit.step].pointer)
        }
    }

    /// Computes a step by itself.
    func computeHere(
        _ batch: Batch, with local: LocalGradientSource, _ push: (PartialResult) throws -> Void
    ) throws {
        isComputingHere = true
        defer { isComputingHere = false }
        try local.gradients(of: batch, parameters: parameters, push: push)
    }

    /// A worker that shares memory is told into which slot a gradient goes.
    private func assignment(of unit: WorkItem, to member: MemberID) -> Header {
        guard unit.kind == .node else { return header(.evaluate, member, step: unit.step, unit: unit.number) }
        let slot = unit.number == 0 ? 0 : region(of: member)?.place(unit) ?? 0
        return header(.assign, member, step: unit.step, unit: unit.number, segment: UInt32(slot))
    }

    /// Sends a chunk of the weights by reference: it stays as it is until its reader has answered.
    func sendParameters(to peer: PeerID, _ member: MemberID, version: UInt64, chunk: Int) throws {
        let layout = chunks.chunks[chunk]
        let bytes =
            if wire == .float32 || VersionedParameters.isReplacement(version) {
                UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: parameters[version].buffer[layout.range]))
            } else {
                (version & 1 == 0 ? encodedWeights.even : encodedWeights.odd).bytes(
                    of: chunk, content: version, from: parameters.forward(version))
            }
        let header = header(
            .parameters, member, step: version, segment: UInt32(layout.segment), offset: UInt32(layout.offset))
        inlinePayloadBytes += UInt64(bytes.count)
        try link.post(to: peer, header, borrowing: bytes)
    }

    func header(
        _ kind: MessageKind, _ member: MemberID, step: UInt64 = 0, unit: UInt32 = 0, segment: UInt32 = 0,
        offset: UInt32 = 0
    ) -> Header {
        Header(
            kind: kind, run: run, member: member.rawValue, unit: unit, step: step, segment: segment, offset: offset)
    }
}

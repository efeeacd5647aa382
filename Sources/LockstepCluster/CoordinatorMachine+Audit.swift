/// Audits: every node of a step is computed twice, and whoever differs is found out.
extension CoordinatorMachine {
    /// Has the coordinator compute those second copies that nobody else can: of nodes that every active member has
    /// answered or none other is there to answer.
    mutating func computeSecondCopies(into actions: inout [CoordinatorAction]) {
        guard let round, let audit = round.audit else { return }
        for number in round.pending where audit[number].copies.count == 1 && !audit[number].isClosed {
            // One that has not answered an earlier step may be a long time coming.
            let couldBeGiven = members.indices.contains { index in
                members[index].isActive && mayGet(number, index)
                    && members[index].outstanding.allSatisfy { round.includes($0.unit) }
            }
            if !couldBeGiven { recompute(round.unit(number), into: &actions) }
        }
    }

    /// Has the coordinator compute a node, of which there may be one copy or two that differ.
    mutating func recompute(_ unit: WorkUnit, into actions: inout [CoordinatorAction]) {
        guard let copies = round?.audit?[unit.number].copies else { return }
        round?.audit?.close(unit.number)
        round?.pending.removeAll { $0 == unit.number }
        actions.append(.recompute(unit, copies: copies.map(\.id)))
    }

    /// Two copies have been compared.
    mutating func settle(_ unit: WorkUnit, areEqual: Bool, into actions: inout [CoordinatorAction]) {
        guard let round, round.includes(unit), round.audit != nil else { return }
        if areEqual {
            finish(unit)
        } else {
            recompute(unit, into: &actions)
        }
    }

    /// The coordinator's own answer has been taken; whoever gave another is no longer a member.
    mutating func settle(_ unit: WorkUnit, wrong: [MemberID], into actions: inout [CoordinatorAction]) {
        guard let round, round.includes(unit), round.audit != nil else { return }
        finish(unit)
        for member in wrong {
            let missing = self.round?.audit?.discard(member) ?? []
            self.round?.pending.append(contentsOf: missing)
            quarantine(member, step: unit.step, node: unit.number, into: &actions)
        }
        dispatch(into: &actions)
    }

    private mutating func finish(_ unit: WorkUnit) {
        round?.pending.removeAll { $0 == unit.number }
        settle(unit)
    }
}

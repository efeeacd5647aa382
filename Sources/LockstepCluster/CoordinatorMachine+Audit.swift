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
                    && members[index].outstanding.allSatisfy { round.includes($0.item) }
            }
            if !couldBeGiven { recompute(round.item(number), into: &actions) }
        }
    }

    /// Has the coordinator compute a node, of which there may be one copy or two that differ.
    mutating func recompute(_ item: WorkItem, into actions: inout [CoordinatorAction]) {
        guard let copies = round?.audit?[item.number].copies else { return }
        round?.audit?.close(item.number)
        round?.pending.removeAll { $0 == item.number }
        actions.append(.recompute(item, copies: copies.map(\.id)))
    }

    /// Two copies have been compared.
    mutating func settle(_ item: WorkItem, areEqual: Bool, into actions: inout [CoordinatorAction]) {
        guard let round, round.includes(item), round.audit != nil else { return }
        if areEqual {
            finish(item)
        } else {
            recompute(item, into: &actions)
        }
    }

    /// The coordinator's own answer has been taken; whoever gave another is no longer a member.
    mutating func settle(_ item: WorkItem, wrong: [MemberID], into actions: inout [CoordinatorAction]) {
        guard let round, round.includes(item), round.audit != nil else { return }
        finish(item)
        for member in wrong {
            let missing = self.round?.audit?.discard(member) ?? []
            self.round?.pending.append(contentsOf: missing)
            quarantine(member, step: item.step, node: item.number, into: &actions)
        }
        dispatch(into: &actions)
    }

    private mutating func finish(_ item: WorkItem) {
        round?.pending.removeAll { $0 == item.number }
        settle(item)
    }
}

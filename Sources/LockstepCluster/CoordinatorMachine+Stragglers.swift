import LockstepTimeline

/// Slow answers: what is usual, and who helps.
extension CoordinatorMachine {
    /// How often a worker must have been too slow before it is named.
    static let timesUntilNamed = 20
    /// How much longer than usual an idle member may take and still be sooner than whoever it overtakes.
    static let haste = 1.25

    /// Takes the time of an answer. What was answered out of its order tells nothing.
    mutating func measure(_ assignment: Assignment, at index: Int, wasFirst: Bool) {
        let since = members[index].busySince
        if wasFirst { members[index].busySince = clock.now }
        if members[index].outstanding.isEmpty {
            members[index].pace.finish(hadNodes: assignment.amount > 0 && assignment.unit.kind == .node)
        }
        guard wasFirst, assignment.amount > 0, let round else { return }
        evictions = 0
        let seconds = Double(clock.now.nanoseconds - since.nanoseconds) * 1e-9 / Double(assignment.amount)
        pace.add(seconds, kind: assignment.unit.kind, step: round.step)
        if assignment.unit.kind == .node { members[index].pace.perSample.add(seconds, step: round.step) }
    }

    /// Notes when the unit that a member was given last will be late.
    mutating func noteLateness(ofLast index: Int) {
        let due = lateness(of: members[index].outstanding.count - 1, index)
        lookForStragglers(at: due)
    }

    private mutating func lookForStragglers(at instant: Instant) {
        let next = round?.nextLate ?? instant
        round?.nextLate = min(next, instant)
    }

    /// When a unit that a member holds is late: it computes what it holds in order.
    private func lateness(of position: Int, _ index: Int) -> Instant {
        let held = members[index].outstanding
        var amount = 0
        for assignment in held[...position] { amount += assignment.amount }
        let usual = pace.usual(held[position].unit.kind).map { $0 * Double(amount) }
        return members[index].busySince.advanced(bySeconds: configuration.deadlines.straggler(usual: usual))
    }

    /// Gives units that are late to idle members too, whole: whoever answers first, the bits are the same.
    mutating func helpStragglers(into actions: inout [CoordinatorAction]) {
        guard let round, !round.isComplete, let next = round.nextLate, next <= clock.now else { return }
        let (late, nextLate) = lateUnits()
        self.round?.nextLate = nextLate
        for unit in late {
            if let helper = helper(with: unit) {
                count { $0.stragglersHelped += 1 }
                blameHolders(of: unit, into: &actions)
                assign(unit.number, to: helper, into: &actions)
            } else if round.audit?[unit.number].copies.count == 1, round.audit?[unit.number].isClosed == false {
                blameHolders(of: unit, into: &actions)
                recompute(unit, into: &actions)
            } else {
                // The next member that becomes idle looks again; idle ones that may not help look later.
                let pause = members.contains(where: \.isIdle) ? configuration.deadlines.stragglerFloor : 0
                lookForStragglers(at: clock.now.advanced(bySeconds: pause))
            }
        }
    }

    /// Has a member that has become idle take over, without waiting until it is late, what it will have done long before
    /// whoever holds it, by what both usually take: on a slow core, or behind a slow link.
    ///
    /// Members that were idle before had their turn then; since then they could only be later.
    mutating func overtake(by index: Int, into actions: inout [CoordinatorAction]) {
        guard
            let round, !round.isComplete, round.kind == .node, round.audit == nil, members[index].isIdle,
            !members[index].isResting, let seconds = members[index].pace.perSample.value,
            let (unit, amount, end) = longestAwaited(),
            end > clock.now.advanced(bySeconds: Self.haste * seconds * Double(amount))
        else { return }
        count { $0.stragglersHelped += 1 }
        blameHolders(of: unit, into: &actions)
        assign(unit.number, to: index, into: &actions)
    }

    /// The node of the round that will be answered last, by what its holder usually takes. None that is due soon, nor one
    /// that somebody else computes too.
    private func longestAwaited() -> (unit: WorkUnit, amount: Int, end: Instant)? {
        guard let round else { return nil }
        var last: (unit: WorkUnit, amount: Int, end: Instant)?
        for member in members.indices where !members[member].outstanding.isEmpty {
            guard let seconds = members[member].pace.perSample.value else { continue }
            var amount = 0
            for assignment in members[member].outstanding {
                amount += assignment.amount
                let takes = seconds * Double(amount)
                let end = members[member].busySince.advanced(bySeconds: takes)
                guard
                    takes >= configuration.deadlines.stragglerFloor, last.map({ $0.end < end }) ?? true,
                    round.includes(assignment.unit), assignment.unit.isWork, isWanted(assignment.unit),
                    !members.indices.contains(where: { $0 != member && members[$0].holds(assignment.unit) })
                else { continue }
                last = (assignment.unit, assignment.amount, end)
            }
        }
        return last
    }

    /// An idle member for a unit that is late; one that sits the step out only where there is no other.
    private func helper(with unit: WorkUnit) -> Int? {
        func isAble(_ index: Int) -> Bool { members[index].isIdle && mayGet(unit.number, index) }
        return members.indices.first { isAble($0) && !members[$0].isResting } ?? members.indices.first { isAble($0) }
    }

    /// The round's units that all their holders are late with, those that are longest first, and when the next one will
    /// be late.
    private func lateUnits() -> (late: [WorkUnit], next: Instant?) {
        var dues: [WorkUnit: Instant] = [:]
        for index in members.indices {
            for (position, assignment) in members[index].outstanding.enumerated() {
                let unit = assignment.unit
                guard unit.isWork, let round, round.includes(unit), isWanted(unit) else { continue }
                let due = lateness(of: position, index)
                dues[unit] = max(dues[unit] ?? due, due)
            }
        }
        let late = dues.filter { $0.value <= clock.now }
            .sorted { ($0.value, $0.key.number) < ($1.value, $1.key.number) }
        return (late.map(\.key), dues.values.filter { $0 > clock.now }.min())
    }

    /// Whether another answer to a unit of the round would be of use.
    func isWanted(_ unit: WorkUnit) -> Bool {
        if let audit = round?.audit { return !audit[unit.number].isClosed }
        return !isAnswered(unit)
    }

    /// Counts a unit against those who hold it, and names a worker with whom it happens often.
    private mutating func blameHolders(of unit: WorkUnit, into actions: inout [CoordinatorAction]) {
        for index in members.indices where members[index].holds(unit) {
            guard
                let times = members[index].pace.straggle(), times >= Self.timesUntilNamed,
                let seconds = members[index].pace.perSample.value, let median = pace.usual(.node),
                // Where all are about as fast as each other, chance is to blame.
                seconds >= configuration.deadlines.stragglerFactor * median, members[index].pace.name()
            else { continue }
            actions.append(.notify(.slow(members[index].info, seconds: seconds, median: median, times: times)))
        }
    }
}

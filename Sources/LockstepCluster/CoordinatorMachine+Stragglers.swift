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
            members[index].pace.finish(hadNodes: assignment.sampleCount > 0 && assignment.item.kind == .node)
        }
        guard wasFirst, assignment.sampleCount > 0, let round else { return }
        evictions = 0
        let seconds = Double(clock.now.nanoseconds - since.nanoseconds) * 1e-9 / Double(assignment.sampleCount)
        pace.add(seconds, kind: assignment.item.kind, step: round.step)
        if assignment.item.kind == .node { members[index].pace.perSample.add(seconds, step: round.step) }
    }

    /// Notes when the item that a member was given last will be late.
    mutating func noteLateness(ofLast index: Int) {
        let due = lateness(of: members[index].outstanding.count - 1, index)
        lookForStragglers(at: due)
    }

    private mutating func lookForStragglers(at instant: Instant) {
        let next = round?.nextLate ?? instant
        round?.nextLate = min(next, instant)
    }

    /// When an item that a member holds is late: it computes what it holds in order.
    private func lateness(of position: Int, _ index: Int) -> Instant {
        let held = members[index].outstanding
        var sampleCount = 0
        for assignment in held[...position] { sampleCount += assignment.sampleCount }
        let usual = pace.usual(held[position].item.kind).map { $0 * Double(sampleCount) }
        return members[index].busySince.advanced(bySeconds: configuration.deadlines.straggler(usual: usual))
    }

    /// Gives items that are late to idle members too, whole: whoever answers first, the bits are the same.
    mutating func helpStragglers(into actions: inout [CoordinatorAction]) {
        guard let round, !round.isComplete, let next = round.nextLate, next <= clock.now else { return }
        let (late, nextLate) = lateUnits()
        self.round?.nextLate = nextLate
        for item in late {
            if let helper = helper(with: item) {
                count { $0.stragglersHelped += 1 }
                blameHolders(of: item, into: &actions)
                assign(item.number, to: helper, into: &actions)
            } else if round.audit?[item.number].copies.count == 1, round.audit?[item.number].isClosed == false {
                blameHolders(of: item, into: &actions)
                recompute(item, into: &actions)
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
            let (item, sampleCount, end) = longestAwaited(),
            end > clock.now.advanced(bySeconds: Self.haste * seconds * Double(sampleCount))
        else { return }
        count { $0.stragglersHelped += 1 }
        blameHolders(of: item, into: &actions)
        assign(item.number, to: index, into: &actions)
    }

    /// The node of the round that will be answered last, by what its holder usually takes. None that is due soon, nor one
    /// that somebody else computes too.
    private func longestAwaited() -> (item: WorkItem, sampleCount: Int, end: Instant)? {
        guard let round else { return nil }
        var last: (item: WorkItem, sampleCount: Int, end: Instant)?
        for member in members.indices where !members[member].outstanding.isEmpty {
            guard let seconds = members[member].pace.perSample.value else { continue }
            var sampleCount = 0
            for assignment in members[member].outstanding {
                sampleCount += assignment.sampleCount
                let takes = seconds * Double(sampleCount)
                let end = members[member].busySince.advanced(bySeconds: takes)
                guard
                    takes >= configuration.deadlines.stragglerFloor, last.map({ $0.end < end }) ?? true,
                    round.includes(assignment.item), assignment.item.isWork, isWanted(assignment.item),
                    !members.indices.contains(where: { $0 != member && members[$0].holds(assignment.item) })
                else { continue }
                last = (assignment.item, assignment.sampleCount, end)
            }
        }
        return last
    }

    /// An idle member for an item that is late; one that sits the step out only where there is no other.
    private func helper(with item: WorkItem) -> Int? {
        func isAble(_ index: Int) -> Bool { members[index].isIdle && mayGet(item.number, index) }
        return members.indices.first { isAble($0) && !members[$0].isResting } ?? members.indices.first { isAble($0) }
    }

    /// The round's items that all their holders are late with, those that are longest first, and when the next one will
    /// be late.
    private func lateUnits() -> (late: [WorkItem], next: Instant?) {
        var dues: [WorkItem: Instant] = [:]
        for index in members.indices {
            for (position, assignment) in members[index].outstanding.enumerated() {
                let item = assignment.item
                guard item.isWork, let round, round.includes(item), isWanted(item) else { continue }
                let due = lateness(of: position, index)
                dues[item] = max(dues[item] ?? due, due)
            }
        }
        let late = dues.filter { $0.value <= clock.now }
            .sorted { ($0.value, $0.key.number) < ($1.value, $1.key.number) }
        return (late.map(\.key), dues.values.filter { $0 > clock.now }.min())
    }

    /// Whether another answer to an item of the round would be of use.
    func isWanted(_ item: WorkItem) -> Bool {
        if let audit = round?.audit { return !audit[item.number].isClosed }
        return !isAnswered(item)
    }

    /// Counts an item against those who hold it, and names a worker with whom it happens often.
    private mutating func blameHolders(of item: WorkItem, into actions: inout [CoordinatorAction]) {
        for index in members.indices where members[index].holds(item) {
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

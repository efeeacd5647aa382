import LockstepTimeline

/// Speculative execution: an idle worker computes an item that takes too long too, and the first answer counts.
///
/// A step waits for its slowest worker, so one worker on a busy core or behind a slow link delays all the others. Every
/// worker computes the same bits, so it is safe to assign the same tree node to two workers. This happens in two ways.
///
/// - A node is **late** once it takes twice the run's median time for its samples. Then any idle worker gets it too.
/// - A worker that becomes idle need not wait until then. It gets a node at once if, by both workers' own medians, it
///   would finish the node before the node's holder even though it begins only now.
///
/// Either way the holder is recorded as a straggler (``StragglerRecord``) and is backed off in the next steps. A worker
/// that takes twenty times the median is presumed dead and evicted. Each eviction doubles the time that the other
/// workers get, so that work that takes long is done in the end.
///
/// The median is measured in the run itself (``LatencyStatistics``). Before the first answer no item is late.
struct Speculation: ~Copyable, Sendable {
    /// The number of straggles after which a worker is reported to people.
    static let stragglesUntilReported = 20
    /// The factor by which an idle worker may exceed its median and still finish before the holder.
    static let speculationMargin = 1.25

    private let deadlines: Deadlines
    private var latencies = LatencyStatistics()
    /// The next instant at which an item of the work under way may be late; nil if none will be.
    private(set) var nextLateCheck: Instant?
    /// The number of members evicted since the last answer.
    private var evictions = 0

    init(deadlines: Deadlines) {
        self.deadlines = deadlines
    }

    /// Begins a step or an evaluation.
    mutating func beginWork() {
        nextLateCheck = nil
    }

    /// The median time of a block; nil before the first answer.
    var blockMedian: Double? { latencies.median(.block) }

    // MARK: - Measuring

    /// Records the time of an answer.
    ///
    /// - Parameters:
    ///   - answered: The answered item. Its time is known only if the item was the first in its queue.
    ///   - member: The member, whose queue no longer has the item.
    ///   - step: The step under way; nil before the first.
    mutating func record(_ answered: WorkQueue.Answered, by member: inout Member, step: UInt64?) {
        let (item, samples) = (answered.assignment.item, answered.assignment.sampleCount)
        if member.queue.isEmpty {
            member.stragglerRecord.finish(hadNodes: samples > 0 && item.kind == .node)
        }
        guard let seconds = answered.seconds, samples > 0, let step else { return }
        evictions = 0
        let perSample = seconds / member.queue.load(of: samples, item.kind)
        latencies.add(perSample, kind: item.kind, step: step)
        if item.kind == .node { member.stragglerRecord.add(perSample, step: step) }
    }

    // MARK: - Late items

    /// Schedules a check for when the last item of a queue is late.
    mutating func scheduleLateCheck(of queue: borrowing WorkQueue) {
        scheduleLateCheck(at: lateness(of: queue.count - 1, in: queue))
    }

    /// Schedules a check for late items at this instant, or earlier.
    private mutating func scheduleLateCheck(at instant: Instant) {
        nextLateCheck = min(nextLateCheck ?? instant, instant)
    }

    /// Schedules another check of a late item that no idle worker may get. Without an idle worker the check happens
    /// when the next worker becomes idle; otherwise after a pause.
    mutating func postpone(hasIdle: Bool, now: Instant) {
        scheduleLateCheck(at: now.advanced(bySeconds: hasIdle ? deadlines.stragglerFloor : 0))
    }

    /// The instant from which the item at this position of a queue is late.
    private func lateness(of position: Int, in queue: borrowing WorkQueue) -> Instant {
        let expected = latencies.expected(
            queue.assignments[position].item.kind, samples: queue.load(upTo: position))
        return queue.busySince.advanced(bySeconds: deadlines.straggler(expected: expected))
    }

    /// Returns the items that are late at all their holders, the longest overdue first.
    mutating func lateItems(
        of assignments: borrowing Assignments, in membership: borrowing Membership, now: Instant
    ) -> [WorkItem] {
        guard !assignments.isComplete, let next = nextLateCheck, next <= now else { return [] }
        var dues: [WorkItem: Instant] = [:]
        for index in membership.indices {
            for (position, assignment) in membership[index].queue.assignments.enumerated() {
                let item = assignment.item
                guard item.isWork, assignments.includes(item), assignments.isWanted(item) else { continue }
                let due = lateness(of: position, in: membership[index].queue)
                dues[item] = max(dues[item] ?? due, due)
            }
        }
        nextLateCheck = dues.values.filter { $0 > now }.min()
        return dues.filter { $0.value <= now }
            .sorted { ($0.value, $0.key.number) < ($1.value, $1.key.number) }
            .map(\.key)
    }

    /// The index of an idle member that may get a late item, preferably one that is not backed off; nil if there is
    /// none.
    func idleMember(
        for item: WorkItem, of assignments: borrowing Assignments, in membership: borrowing Membership
    ) -> Int? {
        var backedOff: Int?
        for index in membership.indices
        where membership[index].isIdle && assignments.mayAssign(item.number, to: index, in: membership) {
            if !membership[index].stragglerRecord.isBackedOff { return index }
            backedOff = backedOff ?? index
        }
        return backedOff
    }

    // MARK: - Faster workers

    /// The tree node that a member that has just become idle would finish before the node's holder, by both members'
    /// medians; nil if there is none.
    ///
    /// Only a member that has just become idle is considered. Members that became idle earlier were considered then,
    /// and would only finish later now.
    func nodeToSpeculateOn(
        by index: Int, of assignments: borrowing Assignments, in membership: borrowing Membership, now: Instant
    ) -> WorkItem? {
        guard
            !assignments.isComplete, assignments.isStep, !assignments.isAudited, membership[index].isIdle,
            !membership[index].stragglerRecord.isBackedOff, let seconds = membership[index].stragglerRecord.median,
            let last = lastToFinish(of: assignments, in: membership),
            case let load = membership[index].queue.load(of: last.assignment.sampleCount, .node),
            last.end > now.advanced(bySeconds: Self.speculationMargin * seconds * load)
        else { return nil }
        return last.assignment.item
    }

    /// The node that will be answered last, by its holder's median. Ignores nodes that take little time, and nodes with
    /// two holders.
    private func lastToFinish(
        of assignments: borrowing Assignments, in membership: borrowing Membership
    ) -> (assignment: Assignment, end: Instant)? {
        var last: (assignment: Assignment, end: Instant)?
        for index in membership.indices where !membership[index].queue.isEmpty {
            guard let seconds = membership[index].stragglerRecord.median else { continue }
            for (position, assignment) in membership[index].queue.assignments.enumerated() {
                let duration = seconds * membership[index].queue.load(upTo: position)
                let end = membership[index].queue.busySince.advanced(bySeconds: duration)
                guard
                    duration >= deadlines.stragglerFloor, last.map({ $0.end < end }) ?? true,
                    assignments.includes(assignment.item), assignment.item.isWork,
                    assignments.isWanted(assignment.item),
                    !membership.hasHolder(of: assignment.item, besides: index)
                else { continue }
                last = (assignment, end)
            }
        }
        return last
    }

    // MARK: - Stragglers

    /// Records an item's holders as stragglers, and reports a worker that straggles often.
    func recordStraggle(
        with item: WorkItem, in membership: inout Membership, into actions: inout [CoordinatorAction]
    ) {
        for index in membership.indices where membership[index].queue.holds(item) {
            guard
                let times = membership[index].stragglerRecord.recordStraggle(), times >= Self.stragglesUntilReported,
                let seconds = membership[index].stragglerRecord.median, let median = latencies.median(.node),
                // Among workers of about the same speed, which one straggles is chance.
                seconds >= deadlines.stragglerFactor * median, membership[index].stragglerRecord.report()
            else { continue }
            actions.append(.notify(.slow(membership[index].info, seconds: seconds, median: median, times: times)))
        }
    }

    // MARK: - Evictions

    /// The deadline for the first item of a member's queue; nil if the queue is empty.
    ///
    /// Bytes under way to it or from it are signs of life: over a slow link the median of others means nothing. They extend
    /// the deadline up to the one that holds before any answer has come.
    func evictionDeadline(of member: borrowing Member) -> Instant? {
        guard let first = member.queue.first else { return nil }
        let load = member.queue.load(of: first.sampleCount, first.item.kind)
        let expected = latencies.expected(first.item.kind, samples: load)
        let seconds = deadlines.step(expected: expected, evictions: evictions)
        let deadline = member.queue.busySince.advanced(bySeconds: seconds)
        guard let transfer = member.transfer, transfer.seen > member.queue.busySince else { return deadline }
        let longest = deadlines.step(expected: nil, evictions: evictions)
        guard seconds < longest else { return deadline }
        return min(
            transfer.seen.advanced(bySeconds: seconds), member.queue.busySince.advanced(bySeconds: longest))
    }

    /// Why a member that has not answered in time never could: its bytes are under way, and too slow.
    func slowLink(of member: borrowing Member, at now: Instant) -> String? {
        guard let transfer = member.transfer, transfer.seen > member.queue.busySince,
            now < transfer.seen.advanced(bySeconds: deadlines.stepFloor)
        else { return nil }
        let seconds = transfer.secondsOfStep(gradients: member.queue.count)
        let allowed = deadlines.step(expected: nil, evictions: 0)
        guard seconds > allowed else { return nil }
        let bytes = transfer.bytesOfStep(gradients: member.queue.count)
        return "this link is too slow: it needs \(Int(min(seconds, 1e9))) s a step (\(bytes / 1_000) KB at "
            + "\(transfer.bytesPerSecond / 125) kbit/s), and \(Int(allowed)) s are allowed; set communication-dtype: "
            + "bfloat16, take a smaller network, or larger mini-batches and so fewer steps"
    }

    /// Records that a member was evicted because it did not answer.
    mutating func recordEviction() {
        evictions += 1
    }
}

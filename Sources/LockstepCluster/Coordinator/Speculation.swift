import LockstepTimeline

/// Speculative execution: work that takes too long is given to an idle worker too, and the first answer counts.
///
/// A step waits for its slowest worker, so one worker on a busy core or behind a slow link holds up all the others. Since
/// every worker computes the same bits, it is safe to give the same tree node to two of them. It happens in two ways.
///
/// - A node is **late** once it takes twice the run's median time for its samples. Then any idle worker gets it too.
/// - A worker that becomes idle need not wait until then. If it is so much faster than a node's holder that, by both
///   workers' own medians, it would finish first even though it begins now, it gets the node at once.
///
/// The holder is recorded as a straggler either way (``StragglerRecord``), and is backed off in the steps that follow. A
/// worker that takes twenty times the median is taken for dead and evicted; each eviction doubles the time that the
/// others get, so that work which merely takes long is done in the end.
///
/// The run's own answers say what the median is (``LatencyStatistics``). Before the first answer nothing is late.
struct Speculation: ~Copyable, Sendable {
    /// Straggles until a worker is reported to people.
    static let stragglesUntilReported = 20
    /// How much longer than its median an idle worker may take and still finish before the holder.
    static let speculationMargin = 1.25

    private let deadlines: Deadlines
    private var latencies = LatencyStatistics()
    /// The instant before which no item of the work under way is late.
    private(set) var nextLate: Instant?
    /// Members evicted since the last answer.
    private var evictions = 0

    init(deadlines: Deadlines) {
        self.deadlines = deadlines
    }

    /// Begins a step or an evaluation.
    mutating func beginWork() {
        nextLate = nil
    }

    /// The median time of a block; nil before the first answer.
    var blockMedian: Double? { latencies.median(.block) }

    // MARK: - Measuring

    /// Records the time of an answer.
    ///
    /// - Parameters:
    ///   - answered: What was answered. Its time is known only if it was the first in its queue.
    ///   - member: The member, without the answered item in its queue.
    ///   - step: The step under way; nil before the first.
    mutating func record(_ answered: WorkQueue.Answered, by member: inout Member, step: UInt64?) {
        let (item, samples) = (answered.assignment.item, answered.assignment.sampleCount)
        if member.queue.isEmpty {
            member.stragglerRecord.finish(hadNodes: samples > 0 && item.kind == .node)
        }
        guard let seconds = answered.seconds, samples > 0, let step else { return }
        evictions = 0
        let perSample = seconds / Double(samples)
        latencies.add(perSample, kind: item.kind, step: step)
        if item.kind == .node { member.stragglerRecord.add(perSample, step: step) }
    }

    // MARK: - Late items

    /// Watches the item that a member was given last.
    mutating func watchLast(of queue: borrowing WorkQueue) {
        checkAgain(at: lateness(of: queue.count - 1, in: queue))
    }

    /// Has late items looked for at this instant, or earlier.
    private mutating func checkAgain(at instant: Instant) {
        nextLate = min(nextLate ?? instant, instant)
    }

    /// Has a late item that no worker can be given looked at again: when the next worker becomes idle, and after a pause
    /// if there is an idle worker that may not be given it.
    mutating func postpone(hasIdle: Bool, now: Instant) {
        checkAgain(at: now.advanced(bySeconds: hasIdle ? deadlines.stragglerFloor : 0))
    }

    /// When the item at this position of a queue is late.
    private func lateness(of position: Int, in queue: borrowing WorkQueue) -> Instant {
        let expected = latencies.expected(
            queue.assignments[position].item.kind, samples: queue.samples(upTo: position))
        return queue.busySince.advanced(bySeconds: deadlines.straggler(expected: expected))
    }

    /// Returns the items that all their holders are late with, the longest first.
    mutating func lateItems(
        of assignments: borrowing Assignments, in membership: borrowing Membership, now: Instant
    ) -> [WorkItem] {
        guard !assignments.isComplete, let next = nextLate, next <= now else { return [] }
        var dues: [WorkItem: Instant] = [:]
        for index in membership.indices {
            for (position, assignment) in membership[index].queue.assignments.enumerated() {
                let item = assignment.item
                guard item.isWork, assignments.includes(item), assignments.isWanted(item) else { continue }
                let due = lateness(of: position, in: membership[index].queue)
                dues[item] = max(dues[item] ?? due, due)
            }
        }
        nextLate = dues.values.filter { $0 > now }.min()
        return dues.filter { $0.value <= now }
            .sorted { ($0.value, $0.key.number) < ($1.value, $1.key.number) }
            .map(\.key)
    }

    /// An idle member for a late item. Members that are backed off come last.
    func helper(
        with item: WorkItem, of assignments: borrowing Assignments, in membership: borrowing Membership
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

    /// The tree node that a member, which has become idle, would finish before the node's holder, by both members'
    /// medians; nil if there is none.
    ///
    /// Only the member that has just become idle is asked. Those that were idle before have been asked then, and since
    /// then they could only finish later.
    func nodeToSpeculateOn(
        by index: Int, of assignments: borrowing Assignments, in membership: borrowing Membership, now: Instant
    ) -> WorkItem? {
        guard
            !assignments.isComplete, assignments.isStep, !assignments.isAudited, membership[index].isIdle,
            !membership[index].stragglerRecord.isBackedOff, let seconds = membership[index].stragglerRecord.median,
            let last = lastToFinish(of: assignments, in: membership),
            last.end > now.advanced(bySeconds: Self.speculationMargin * seconds * Double(last.assignment.sampleCount))
        else { return nil }
        return last.assignment.item
    }

    /// The node that will be answered last, by its holder's median. Skips nodes that take little time, and nodes with two
    /// holders.
    private func lastToFinish(
        of assignments: borrowing Assignments, in membership: borrowing Membership
    ) -> (assignment: Assignment, end: Instant)? {
        var last: (assignment: Assignment, end: Instant)?
        for index in membership.indices where !membership[index].queue.isEmpty {
            guard let seconds = membership[index].stragglerRecord.median else { continue }
            var samples = 0
            for assignment in membership[index].queue.assignments {
                samples += assignment.sampleCount
                let duration = seconds * Double(samples)
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
                // Among workers of about the same speed it is chance who straggles.
                seconds >= deadlines.stragglerFactor * median, membership[index].stragglerRecord.report()
            else { continue }
            actions.append(.notify(.slow(membership[index].info, seconds: seconds, median: median, times: times)))
        }
    }

    // MARK: - Evictions

    /// When a member must have answered; nil if it has nothing to answer.
    func evictionDeadline(of queue: borrowing WorkQueue) -> Instant? {
        guard let first = queue.first else { return nil }
        let expected = latencies.expected(first.item.kind, samples: first.sampleCount)
        return queue.busySince.advanced(bySeconds: deadlines.step(expected: expected, evictions: evictions))
    }

    /// Records that a member was evicted because it did not answer.
    mutating func recordEviction() {
        evictions += 1
    }
}

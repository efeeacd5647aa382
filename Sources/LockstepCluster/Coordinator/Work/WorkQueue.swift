import LockstepTimeline

/// A work item that a worker was assigned.
struct Assignment: Hashable, Sendable {
    let item: WorkItem
    /// A tree node's samples; 1 for a block; 0 if there is nothing to compute.
    let sampleCount: Int
}

/// The work items that one worker has not answered, in the order in which the worker computes them.
///
/// A worker computes one item after the other, so only the first item's time runs: since it was appended to an empty
/// queue, or since the previous answer.
///
/// An aggregator has all its processes compute a tree node, and each of them an evaluation block of its own. So a node takes
/// it less time, and the time of its blocks, which overlap, says nothing.
struct WorkQueue: Sendable {
    /// The assignments, the one under way first.
    private(set) var assignments: [Assignment] = []
    /// When the worker began the first assignment.
    private(set) var busySince = Instant(nanoseconds: 0)
    /// The item whose answer has begun to arrive.
    private var arriving: WorkItem?
    /// The processes that compute.
    private let processes: Int

    init(processes: Int = 1) {
        self.processes = processes
        assignments.reserveCapacity(16)
    }

    var isEmpty: Bool { assignments.isEmpty }
    var count: Int { assignments.count }
    var first: Assignment? { assignments.first }

    func holds(_ item: WorkItem) -> Bool {
        assignments.contains { $0.item == item }
    }

    mutating func append(_ assignment: Assignment, at now: Instant) {
        if assignments.isEmpty { busySince = now }
        assignments.append(assignment)
    }

    /// An answered assignment.
    struct Answered {
        let assignment: Assignment
        /// The seconds that it took; nil if it was not the first in the queue, because then nothing was measured.
        let seconds: Double?
    }

    /// Removes an answered item.
    ///
    /// - Returns: The answered assignment; nil if the queue does not hold the item.
    mutating func remove(_ item: WorkItem, at now: Instant) -> Answered? {
        guard let position = assignments.firstIndex(where: { $0.item == item }) else { return nil }
        let assignment = assignments.remove(at: position)
        guard position == 0, processes == 1 || item.kind == .node else {
            if position == 0 { busySince = now }
            return Answered(assignment: assignment, seconds: nil)
        }
        let seconds = busySeconds(at: now)
        busySince = now
        return Answered(assignment: assignment, seconds: seconds)
    }

    /// The seconds since the worker began the first assignment.
    func busySeconds(at now: Instant) -> Double {
        now.seconds(since: busySince)
    }

    /// The samples, or blocks, that a process computes one after the other until the assignments up to and including this
    /// position are answered.
    func load(upTo position: Int) -> Double {
        var samples = 0
        for assignment in assignments[...position] { samples += assignment.sampleCount }
        return load(of: samples, assignments[position].item.kind)
    }

    /// The load of each process if the worker has so many samples, or blocks.
    func load(of samples: Int, _ kind: WorkItem.Kind) -> Double {
        guard processes > 1 else { return Double(samples) }
        return kind == .node
            ? Double(samples) / Double(processes) : Double((samples + processes - 1) / processes)
    }

    /// Records that an item's answer begins to arrive.
    mutating func beginArrival(of item: WorkItem) {
        arriving = item
    }

    /// Whether the queue holds a single item, a tree node of this step, whose answer has begun to arrive.
    func isArriving(ofStep step: UInt64) -> Bool {
        guard assignments.count == 1, let item = assignments.first?.item else { return false }
        return item == arriving && item.kind == .node && item.step == step
    }
}

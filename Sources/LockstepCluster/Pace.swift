/// How long answers take in this run: what deadlines are derived from.
struct Pace: Sendable {
    /// Steps that count.
    static let window: UInt64 = 64
    private static let capacity = 512

    /// Seconds for a sample of a node.
    private var nodes = RunningMedian(window: window, capacity: capacity)
    /// Seconds for an evaluation block.
    private var blocks = RunningMedian(window: window, capacity: capacity)

    mutating func add(_ seconds: Double, kind: WorkItem.Kind, step: UInt64) {
        switch kind {
        case .node: nodes.add(seconds, step: step)
        case .block: blocks.add(seconds, step: step)
        }
    }

    /// The usual time for one sample or block; nil before the first answer.
    func usual(_ kind: WorkItem.Kind) -> Double? {
        switch kind {
        case .node: nodes.value
        case .block: blocks.value
        }
    }
}

/// What is known of one worker's pace.
struct MemberPace: Sendable {
    /// The most steps that a straggler sits out.
    static let longestRest = 16

    /// Seconds for a sample, in its own answers.
    var perSample = RunningMedian(window: Pace.window, capacity: Int(Pace.window))
    /// How often an idle worker got its node too.
    private(set) var straggles = 0
    /// Steps for which it gets no node. A worker that was too slow would be too slow again: each time it sits out twice
    /// as many steps, and one answer in time forgives it all.
    private(set) var rest = 0
    private var nextRest = 1
    private var isLate = false
    private var isNamed = false

    /// An idle worker gets its node too. Counted once for each assignment.
    ///
    /// - Returns: How often this has happened, if this time counts.
    mutating func straggle() -> Int? {
        guard !isLate else { return nil }
        isLate = true
        straggles += 1
        rest = nextRest
        nextRest = min(Self.longestRest, 2 * nextRest)
        return straggles
    }

    /// Names it, once.
    ///
    /// - Returns: Whether this is the first time.
    mutating func name() -> Bool {
        defer { isNamed = true }
        return !isNamed
    }

    /// It has answered all that it was given.
    mutating func finish(hadNodes: Bool) {
        if hadNodes && !isLate { nextRest = 1 }
        isLate = false
    }

    /// A step begins: whether it sits this one out.
    mutating func sitsOut() -> Bool {
        guard rest > 0 else { return false }
        rest -= 1
        return true
    }
}

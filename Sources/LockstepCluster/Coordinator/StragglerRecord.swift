/// What the coordinator remembers of one worker's slowness.
///
/// A worker whose work an idle one had to take over would be too slow again in the next step. So it is backed off: it
/// gets no tree node for one step, then for two, four, up to ``longestBackOff`` steps, each time that it straggles again.
/// One step answered in time resets this.
struct StragglerRecord: Sendable {
    /// The most steps that a worker is backed off for.
    static let longestBackOff = 16

    /// Seconds for a sample of a tree node, in the worker's own answers.
    private var perSample = RunningMedian(
        window: LatencyStatistics.window, capacity: Int(LatencyStatistics.window))
    /// How often an idle worker was given its work too.
    private(set) var straggles = 0
    /// Whether the worker gets no tree node in the present step, unless all are backed off.
    private(set) var isBackedOff = false
    /// Steps for which the worker is still to be backed off.
    private(set) var backOff = 0
    private var nextBackOff = 1
    private var isLate = false
    private var isReported = false

    /// The worker's median time for a sample, in seconds; nil before its first answer to a tree node.
    var median: Double? { perSample.value }

    /// Adds an answer's time for each sample.
    mutating func add(_ seconds: Double, step: UInt64) {
        perSample.add(seconds, step: step)
    }

    /// Records that an idle worker is given this one's work too. Counts once until the worker has answered everything.
    ///
    /// - Returns: How often this has happened, if this time counts.
    mutating func recordStraggle() -> Int? {
        guard !isLate else { return nil }
        isLate = true
        straggles += 1
        backOff = nextBackOff
        nextBackOff = min(Self.longestBackOff, 2 * nextBackOff)
        return straggles
    }

    /// Marks the worker as reported to people.
    ///
    /// - Returns: Whether this is the first time.
    mutating func report() -> Bool {
        defer { isReported = true }
        return !isReported
    }

    /// Records that the worker has answered everything.
    mutating func finish(hadNodes: Bool) {
        if hadNodes && !isLate { nextBackOff = 1 }
        isLate = false
    }

    /// Begins a step and decides whether the worker is backed off in it.
    mutating func beginStep() {
        isBackedOff = backOff > 0
        if isBackedOff { backOff -= 1 }
    }
}

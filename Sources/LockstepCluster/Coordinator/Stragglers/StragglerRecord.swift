/// The record of how often one worker straggles.
///
/// A straggler would probably be too slow in the next step too. So it is backed off: it gets no tree node for one step,
/// and if it then straggles again, for two steps, then four, up to ``longestBackOff``. One step that it answers in time
/// resets this.
struct StragglerRecord: Sendable {
    /// The most steps for which a worker is backed off.
    static let longestBackOff = 16

    /// Seconds per sample of a tree node, in each of the worker's processes, in its own answers.
    private var perSample = RunningMedian(
        window: LatencyStatistics.window, capacity: Int(LatencyStatistics.window))
    /// How often an idle worker got this worker's item too.
    private(set) var straggles = 0
    /// Whether the worker gets no tree node in the present step, unless all workers are backed off.
    private(set) var isBackedOff = false
    /// The number of further steps for which the worker is backed off.
    private(set) var backOff = 0
    private var nextBackOff = 1
    private var isLate = false
    private var isReported = false

    /// The worker's median time per sample, in seconds; nil before its first answer to a tree node.
    var median: Double? { perSample.value }

    /// Adds an answer's time per sample.
    mutating func add(_ seconds: Double, step: UInt64) {
        perSample.add(seconds, step: step)
    }

    /// Records that an idle worker gets this worker's item too. This counts once until the worker has answered
    /// everything.
    ///
    /// - Returns: The number of straggles so far; nil if this one does not count.
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

/// The times of the workers' answers in this run. All deadlines for work are multiples of their medians.
struct LatencyStatistics: Sendable {
    /// The number of last steps whose answers count.
    static let window: UInt64 = 64
    private static let capacity = 512

    /// Seconds for a sample of a tree node.
    private var nodes = RunningMedian(window: window, capacity: capacity)
    /// Seconds for an evaluation block.
    private var blocks = RunningMedian(window: window, capacity: capacity)

    mutating func add(_ seconds: Double, kind: WorkItem.Kind, step: UInt64) {
        switch kind {
        case .node: nodes.add(seconds, step: step)
        case .block: blocks.add(seconds, step: step)
        }
    }

    /// The median time of one sample or one block; nil before the first answer.
    func median(_ kind: WorkItem.Kind) -> Double? {
        switch kind {
        case .node: nodes.value
        case .block: blocks.value
        }
    }

    /// The expected time of a process for so many samples or blocks; nil before the first answer.
    func expected(_ kind: WorkItem.Kind, samples: Double) -> Double? {
        median(kind).map { $0 * samples }
    }
}

/// The times of consecutive steps with the same number of workers.
///
/// What counts is the throughput, including the time that the kernel gives to other processes. So short steps are
/// averaged over blocks of a few milliseconds, and the median of the blocks ignores an outlier such as a checkpoint.
struct StepWindow: Sendable {
    /// The shortest block, in seconds.
    static let blockSeconds = 0.008
    private static let capacity = 64

    /// The mean step time of each complete block, in ascending order.
    private var blocks: [Double] = []
    private var steps = 0
    private var seconds = 0.0
    /// Whether the first step after a change has been skipped, which is slower.
    private var isWarm = false
    /// Seconds of all steps since the window began.
    private(set) var duration = 0.0

    init() {
        blocks.reserveCapacity(Self.capacity)
    }

    var count: Int { blocks.count }

    /// The median of the blocks' means, the lower of the two middle values of an even number; nil before the first
    /// complete block.
    var median: Double? { blocks.isEmpty ? nil : blocks[(blocks.count - 1) / 2] }

    /// Empties the window.
    ///
    /// - Parameter isWarm: Whether the number of workers stays the same.
    mutating func restart(isWarm: Bool) {
        blocks.removeAll(keepingCapacity: true)
        (steps, seconds, duration) = (0, 0, 0)
        self.isWarm = isWarm
    }

    /// Adds consecutive steps that took `seconds` together.
    mutating func add(_ seconds: Double, steps: Int) {
        duration += seconds
        guard isWarm else {
            isWarm = true
            return
        }
        self.steps += steps
        self.seconds += seconds
        guard self.seconds >= Self.blockSeconds else { return }
        let mean = self.seconds / Double(self.steps)
        (self.steps, self.seconds) = (0, 0)
        guard blocks.count < Self.capacity else { return }
        blocks.insert(mean, at: blocks.firstIndex { $0 > mean } ?? blocks.endIndex)
    }
}

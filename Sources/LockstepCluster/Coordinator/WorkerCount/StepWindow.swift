/// Times of consecutive steps, all taken with the same number of workers.
///
/// The throughput counts, with the time that the kernel gives to other processes. So short steps are averaged over blocks of
/// a few milliseconds; the median of the blocks ignores a checkpoint in between.
struct StepWindow: Sendable {
    /// The least seconds of a block.
    static let blockSeconds = 0.008
    private static let capacity = 64

    /// The mean step of each whole block, in ascending order.
    private var blocks: [Double] = []
    private var steps = 0
    private var seconds = 0.0
    /// Whether the first step after a change, which is slower, has been skipped.
    private var isWarm = false
    /// Seconds of all steps since the window began.
    private(set) var duration = 0.0

    init() {
        blocks.reserveCapacity(Self.capacity)
    }

    var count: Int { blocks.count }

    /// The median of the blocks' means, the lower one of two in the middle; nil before the first whole block.
    var median: Double? { blocks.isEmpty ? nil : blocks[(blocks.count - 1) / 2] }

    /// Empties the window.
    ///
    /// - Parameter isWarm: Whether the number of workers stays the same.
    mutating func restart(isWarm: Bool) {
        blocks.removeAll(keepingCapacity: true)
        (steps, seconds, duration) = (0, 0, 0)
        self.isWarm = isWarm
    }

    /// Adds consecutive steps, which took `seconds` together.
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

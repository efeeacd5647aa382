/// Times of consecutive steps, all taken with the same number of workers.
///
/// What counts is how many steps a second there are, the time that the kernel gives to others included; so short steps
/// are averaged over a few milliseconds first. The median of such blocks passes over a checkpoint in between.
struct StepWindow: Sendable {
    /// Seconds that a block has at least.
    static let blockSeconds = 0.008
    private static let capacity = 64

    /// Means of whole blocks, in ascending order.
    private var blocks: [Double] = []
    private var steps = 0
    private var seconds = 0.0
    /// Whether steps have been passed over: the first ones after a change pay for it.
    private var isWarm = false
    /// Of everything since the window began.
    private(set) var duration = 0.0

    init() {
        blocks.reserveCapacity(Self.capacity)
    }

    var count: Int { blocks.count }

    /// The median of the blocks' means, the lower one of two in the middle; nil before the first whole block.
    var median: Double? { blocks.isEmpty ? nil : blocks[(blocks.count - 1) / 2] }

    /// Forgets everything.
    ///
    /// - Parameter isWarm: Whether the steps go on as before.
    mutating func restart(isWarm: Bool) {
        blocks.removeAll(keepingCapacity: true)
        (steps, seconds, duration) = (0, 0, 0)
        self.isWarm = isWarm
    }

    /// Takes steps in that took so long together.
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

import LockstepTimeline

/// Whether evaluations are faster in the workers or in the coordinator alone.
///
/// Blocks are large and handed out ahead, so messages hide behind computing and workers nearly always win: the
/// coordinator is tried only if one worker's usual time for all blocks is less than what all workers together took.
struct EvaluationTuner: Sendable {
    /// Seconds for a block, by who computes.
    private var workers: Double?
    private var alone: Double?
    private var underWay: (isAlone: Bool, blocks: Int, since: Instant)?

    /// Chooses for an evaluation that begins now.
    ///
    /// - Parameters:
    ///   - blocks: How many there are.
    ///   - workerMedian: The median seconds of a worker's answer for a block; nil before the first.
    ///   - now: The present instant.
    /// - Returns: Whether the coordinator is to compute them alone.
    mutating func begin(blocks: Int, workerMedian: Double?, at now: Instant) -> Bool {
        var isAlone = false
        if let workers { isAlone = (alone ?? workerMedian ?? .infinity) < workers }
        underWay = (isAlone, blocks, now)
        return isAlone
    }

    /// Takes in how long it took.
    mutating func end(at now: Instant) {
        guard let (isAlone, blocks, since) = underWay, blocks > 0 else { return }
        underWay = nil
        let seconds = Double(now.nanoseconds &- since.nanoseconds) * 1e-9 / Double(blocks)
        if isAlone { alone = seconds } else { workers = seconds }
    }
}

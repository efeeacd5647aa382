import LockstepTimeline

/// Chooses whether the workers or the coordinator alone compute an evaluation.
///
/// Blocks are large, and a worker gets its next block while it computes one, so messages overlap with computing and
/// workers are nearly always faster. The coordinator is tried only if one worker's median time for a block, times the
/// number of blocks, is less than the time of all workers together.
struct EvaluationTuner: Sendable {
    /// Seconds per block of the last evaluation by the workers.
    private var workers: Double?
    /// Seconds per block of the last evaluation by the coordinator alone.
    private var alone: Double?
    private var underWay: (isAlone: Bool, blocks: Int, since: Instant)?

    /// Begins an evaluation and chooses what computes it.
    ///
    /// - Parameters:
    ///   - blocks: The number of blocks.
    ///   - workerMedian: The median seconds of a worker's answer for a block; nil before the first.
    ///   - now: The present instant.
    /// - Returns: Whether the coordinator computes alone.
    mutating func begin(blocks: Int, workerMedian: Double?, at now: Instant) -> Bool {
        var isAlone = false
        if let workers { isAlone = (alone ?? workerMedian ?? .infinity) < workers }
        underWay = (isAlone, blocks, now)
        return isAlone
    }

    /// Ends the evaluation and records its time.
    mutating func end(at now: Instant) {
        guard let (isAlone, blocks, since) = underWay, blocks > 0 else { return }
        underWay = nil
        let seconds = now.seconds(since: since) / Double(blocks)
        if isAlone { alone = seconds } else { workers = seconds }
    }
}

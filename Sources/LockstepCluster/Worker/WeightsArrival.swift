import LockstepSharding
import LockstepTimeline

/// How long weights are on their way to a worker, which says how long a step takes over its link.
///
/// A chunk is sent whole once it is final, so the time between its parts is the link's. The time between two chunks may
/// include waiting for other workers. The coordinator can measure the link too, but over a slow link its message arrives
/// after the weights.
struct WeightsArrival: Sendable {
    /// Seconds between parts of the same chunk.
    private(set) var seconds = 0.0
    /// Chunks that have come in these seconds, as a fraction.
    private var chunks = 0.0
    private var last = Instant(nanoseconds: 0)

    /// Counts a part that has come.
    mutating func add(_ part: ChunkPart, at now: Instant) {
        defer { last = now }
        guard part.elements.lowerBound > 0, now > last else { return }
        seconds += Double(now.nanoseconds - last.nanoseconds) * 1e-9
        chunks += Double(part.elements.count) / Double(max(1, part.chunkElements))
    }

    /// Seconds that a step would take: all chunks of the weights there, and as many of a gradient back.
    func secondsOfStep(chunks total: Int) -> Double {
        chunks > 0 ? 2 * Double(total) / chunks * seconds : 0
    }
}

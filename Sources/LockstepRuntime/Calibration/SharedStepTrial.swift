import LockstepModel
import LockstepNumerics
import LockstepSystem
import LockstepTimeline
import LockstepTraining
import Synchronization

/// Steps of two threads that each compute a shard, as two workers do, while the calling thread adds up and updates.
///
/// A block that one thread computes again and again is faster than the same block in a distributed step, for two reasons that only
/// show together: the cores share memory and clock, and the weights and gradients that cross between cores are in no near cache.
/// No worker exists yet when the cost model is calibrated, so threads stand for them.
final class SharedStepTrial: ParallelWork {
    /// What the trials took, in seconds: medians.
    struct Times {
        /// The slower thread's gradient.
        var compute: Double
        /// Adding the other gradient up, and the update.
        var reduce: Double
    }

    private static let threads = 2
    /// The longest wait of a thread for the other one, in seconds: without a second core they do not meet.
    private static let longestWait = 0.005

    private let computers: [ShardComputer]
    private let rows: Int
    private let gradients: [FloatBuffer]
    /// The weights of the present step and the next ones, in turns.
    private var weights: (FloatBuffer, FloatBuffer)
    private let begun = Atomic(0)
    private let met = Atomic(0)
    /// Written by one thread each, and read once both are done.
    private let seconds: UnsafeMutablePointer<Double>
    private var step = 0

    /// - Parameters:
    ///   - run: The run to measure.
    ///   - rows: The samples of each shard, at most one block.
    ///   - weights: The initial weights.
    /// - Throws: An error if this configuration cannot be run.
    init(_ run: TrainingRun, rows: Int, weights: FloatBuffer) throws {
        self.rows = rows
        computers = try (0..<Self.threads).map { _ in
            let computer = try run.makeShardComputer()
            try computer.prepare(rows: [rows])
            return computer
        }
        gradients = (0..<Self.threads).map { _ in FloatBuffer(count: run.layout.count) }
        let next = FloatBuffer(count: run.layout.count)
        next.pointer.update(from: weights.pointer, count: weights.count)
        self.weights = (weights, next)
        seconds = .allocate(capacity: Self.threads)
        seconds.initialize(repeating: 0, count: Self.threads)
    }

    deinit { seconds.deallocate() }

    /// Takes steps for this time, at least three, of which the first does not count.
    ///
    /// - Parameters:
    ///   - time: Seconds.
    ///   - update: Computes new weights from the old ones and the sum: pointers to all parameters.
    /// - Returns: The times; nil if the threads never computed at the same time.
    func measure(
        within time: Double,
        update: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) -> Times? {
        let pool = ThreadPool(threadCount: Self.threads - 1)
        defer { pool.shutdown() }
        var (compute, reduce): ([Double], [Double]) = ([], [])
        let end = Instant.now.advanced(bySeconds: time)
        repeat {
            begun.store(0, ordering: .relaxed)
            pool.perform(self, tiles: Self.threads)
            let start = Instant.now
            accumulate(gradients[1].pointer, into: gradients[0].pointer, count: gradients[0].count)
            update(UnsafePointer(weights.0.pointer), UnsafePointer(gradients[0].pointer), weights.1.pointer)
            let reduced = Instant.now.seconds(since: start)
            weights = (weights.1, weights.0)
            if met.exchange(0, ordering: .relaxed) == Self.threads, step > 0 {
                compute.append(max(seconds[0], seconds[1]))
                reduce.append(reduced)
            }
            step += 1
        } while step < 3 || Instant.now < end
        guard !compute.isEmpty else { return nil }
        return Times(compute: compute.sorted()[compute.count / 2], reduce: reduce.sorted()[reduce.count / 2])
    }

    func perform(tile: Int) {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        begun.add(1, ordering: .acquiringAndReleasing)
        let latest = Instant.now.advanced(bySeconds: Self.longestWait)
        while begun.load(ordering: .acquiring) < Self.threads, Instant.now < latest { Thread.yield() }
        if begun.load(ordering: .acquiring) == Self.threads { met.add(1, ordering: .relaxed) }
        seconds[tile] = computers[tile].timeGradient(
            rows: rows, repetition: Self.threads * step + tile, weights: weights.0.pointer,
            into: gradients[tile].pointer)
    }
}

import LockstepNetwork
import LockstepSharding

/// Trials for the cost model: they compute what a step computes, and leave no trace.
extension ShardComputer {
    /// How long the gradient of so many samples takes, as one shard's.
    ///
    /// - Parameters:
    ///   - rows: Samples, at most a block's.
    ///   - weights: All parameters, in the layout's order.
    ///   - gradient: Room for their gradient.
    ///   - clock: What time is it?
    /// - Returns: Nanoseconds, by the clock.
    package func timeGradient(
        rows: Int, weights: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>, clock: () -> UInt64
    ) -> UInt64 {
        let rows = min(rows, BlockPartition.trainingRows, schedule.samples)
        let start = clock()
        let input = gatherFirst(rows)
        _ = network.gradient(rows: rows, input: input, weights: weights, into: gradient, accumulating: false) { _ in }
        return clock() - start
    }
}

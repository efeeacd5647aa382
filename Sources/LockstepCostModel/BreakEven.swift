/// The mini-batches between which workers become faster than one process.
package struct BreakEven: Hashable, Sendable {
    /// The smallest mini-batch at which the workers may be faster; nil if there is none.
    package var earliest: Int?
    /// The smallest mini-batch from which the workers are faster for certain; nil if there is none.
    package var latest: Int?

    package init(earliest: Int?, latest: Int?) {
        self.earliest = earliest
        self.latest = latest
    }
}

extension CostModel {
    /// Finds where workers with one shard each become as fast as one process with one shard.
    ///
    /// - Parameters:
    ///   - workers: At least 1.
    ///   - link: The link to the workers; nil for workers of this host.
    ///   - limit: The largest mini-batch that makes sense: the training split.
    ///   - error: By which part the workers' steps may be longer or shorter than predicted, 0 or more.
    /// - Returns: The mini-batch at which they are as fast, as an interval.
    package func breakEven(workers: Int, link: Link? = nil, limit: Int, error: Double) -> BreakEven {
        BreakEven(
            earliest: crossover(workers: workers, link: link, limit: limit, slowedBy: max(0, 1 - error)),
            latest: crossover(workers: workers, link: link, limit: limit, slowedBy: 1 + error))
    }
}

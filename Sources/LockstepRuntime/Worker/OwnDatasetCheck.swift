import LockstepCluster
import LockstepData
import LockstepTimeline

/// Reads the data set in a worker's own memory again: now and then before an item is computed, and when the coordinator asks.
///
/// It compares with what the memory held before the worker's first membership. A worker that joins again keeps this object: a
/// change since the first membership may have made earlier answers wrong, and these count.
final class OwnDatasetCheck {
    let dataset: Dataset
    private let check: DatasetCheck
    /// When the data set was read last; nil: it must be read before the next item.
    private var readAt: Instant?

    /// Seconds after which the data set is read again: before an evaluation block, and before any item. Reading takes a
    /// millisecond for about ten megabytes.
    private static let interval = (block: 1.0, any: 10.0)

    /// Reads the data set, whose digest has just been checked, and relies on what it reads.
    init(_ dataset: Dataset, now: Instant) {
        self.dataset = dataset
        check = DatasetCheck(dataset)
        readAt = now
    }

    /// Has the data set read before the next item.
    func expectCheck() {
        readAt = nil
    }

    /// Reads the data set if that is due before this item.
    ///
    /// - Returns: Whether the data set has changed.
    func hasChanged(before item: WorkItem, now: Instant) -> Bool {
        let interval = item.kind == .block ? Self.interval.block : Self.interval.any
        if let readAt, now.seconds(since: readAt) < interval { return false }
        return hasChanged(now: now)
    }

    /// Reads the data set.
    ///
    /// - Returns: Whether the data set has changed.
    func hasChanged(now: Instant) -> Bool {
        readAt = now
        return !check.changedBlocks().isEmpty
    }
}

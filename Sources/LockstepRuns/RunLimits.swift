import LockstepSharding

/// The most that a run can have.
package enum RunLimits {
    /// Worker processes of a run. A mini-batch has no more shards than this, so further workers would have no work.
    package static let workers = 1...SummationTree.maximumShards
}

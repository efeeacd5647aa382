package import LockstepArtifacts
package import LockstepCluster
package import LockstepCostModel
package import LockstepRuntime

/// What happens in a run, which a face shows to people.
package enum RunNotice {
    /// A file of the run directory could not be written; the run goes on without it.
    case warning(String)
    /// A checkpoint cannot be read; an older one is used.
    case damagedCheckpoint(String)
    /// The run continues after this step; nil: from its first step, because it has no checkpoint yet.
    case resuming(directory: String, step: UInt64?)
    /// The run that continues has trained all epochs that it is asked for.
    case allEpochsTrained(Int)
    case checkpoint(CheckpointWriter.Notice)
    /// A notice of the cluster, and how the process of a lost local worker ended.
    case cluster(ClusterNotice, ending: String?)
    /// The timeline of all processes has been written.
    case traced(path: String)
    /// The forecast of a distributed run beside what its steps took: the last notice of a run that has not failed.
    case outcome(ForecastOutcome)
    /// The run failed; what went wrong, the first cause first.
    case failed(FailureLog)
    /// The last protocol events of the failed coordinator have been written.
    case savedEvents(count: Int, path: String)
    /// The run failed, and this is its newest checkpoint. Where continuing would lead to the same failure,
    /// `canContinue` is false.
    case newestCheckpoint(step: UInt64, RunDirectory, canContinue: Bool)
    /// The run has ended, and this is its directory.
    case finished(RunDirectory)
    /// A signal ended the run after so many steps.
    case interrupted(signal: Int32, steps: Int, RunDirectory)
}

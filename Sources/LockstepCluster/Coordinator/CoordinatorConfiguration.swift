package import LockstepProtocol

extension CoordinatorMachine {
    /// The run, as far as the coordinator's decisions depend on it.
    package struct Configuration: Sendable {
        /// Training starts once this many workers are ready.
        package var minimumWorkers: Int
        /// No more workers are admitted.
        package var maximumWorkers: Int
        /// The number of chunks of the weights.
        package var chunks: Int
        /// Bytes of the data set.
        package var dataBytes: UInt64
        /// The coordinator's release of lockstep; a worker's must be equal.
        package var programVersion: String
        /// The coordinator's own kernel and fingerprint; a worker's digests must be equal.
        package var expected: Ready
        /// Whether workers whose digests differ take part.
        package var allowsMixedKernels: Bool
        package var deadlines: Deadlines
        /// Whether the number of workers that compute is tuned as the run goes on. Then the coordinator computes too, where
        /// that is fastest or no worker is there.
        package var tunesWorkerCount: Bool
        /// Whether the coordinator makes the sum over all shards, so that no worker is given all of them as one node.
        package var splitsRoot: Bool

        package init(
            minimumWorkers: Int, maximumWorkers: Int, chunks: Int, dataBytes: UInt64, programVersion: String,
            expected: Ready, allowsMixedKernels: Bool, deadlines: Deadlines, tunesWorkerCount: Bool = false,
            splitsRoot: Bool = false
        ) {
            self.minimumWorkers = minimumWorkers
            self.maximumWorkers = maximumWorkers
            self.chunks = chunks
            self.dataBytes = dataBytes
            self.programVersion = programVersion
            self.expected = expected
            self.allowsMixedKernels = allowsMixedKernels
            self.deadlines = deadlines
            self.tunesWorkerCount = tunesWorkerCount
            self.splitsRoot = splitsRoot
        }
    }

    /// Counts for the run's summary.
    package struct Counts: Hashable, Sendable {
        package var lost = 0
        package var joined = 0
        package var shardsReassigned = 0
        package var isBitwiseReproducible = true
        /// Work items that an idle worker was given too, because their holder was slow.
        package var speculativeItems = 0
        package var stepsAudited = 0
        /// Workers that an audit has shown to compute other bits.
        package var quarantined = 0
    }
}

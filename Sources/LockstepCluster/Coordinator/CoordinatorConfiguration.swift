package import LockstepProtocol

extension CoordinatorMachine {
    /// The properties of a run on which the coordinator's decisions depend.
    package struct Configuration: Sendable {
        /// Training starts once this many worker processes are ready.
        package var minimumWorkers: Int
        /// The most worker processes that the run admits.
        package var maximumWorkers: Int
        /// The number of chunks of the weights.
        package var chunks: Int
        /// Bytes of the data set.
        package var dataBytes: UInt64
        /// The coordinator's version of lockstep. A worker must have the same version.
        package var programVersion: String
        /// The coordinator's kernel and fingerprint. A worker must have the same fingerprint.
        package var expected: Ready
        /// Whether workers with another fingerprint are admitted.
        package var allowsMixedKernels: Bool
        package var deadlines: Deadlines
        /// Whether the run measures how many workers are fastest, and computes with so many. Then the coordinator
        /// computes alone if that is fastest, or if no worker is there.
        package var tunesWorkerCount: Bool
        /// Whether the coordinator computes the sum over all shards. Then no worker is assigned the tree's root.
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
}

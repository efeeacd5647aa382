package import LockstepData
package import LockstepNumerics
package import LockstepSystem
package import LockstepTimeline

extension Trainer {
    /// What the trainer calls while it runs.
    package struct Dependencies {
        /// Called in this order.
        package var observers: [any RunObserver]
        package var checkpoints: (any CheckpointStore)?
        /// Asked before each step and each block of an evaluation; true ends the run early.
        package var shouldStop: () -> Bool
        /// Makes a computer of this process's own, for what workers left undone and to locate what is not finite.
        package var makeShardComputer: () throws -> ShardComputer
        /// Writes the weights before the first step; nil if they cannot be computed again.
        package var initialWeights: ((FloatBuffer) throws -> Void)?
        /// Checks the data set in this process's memory; nil if it is not checked.
        package var dataCheck: DatasetCheck?
        /// Threads that share the reduction and the update where cores are idle.
        package var threadPool: ThreadPool?
        /// Records the phases of the steps; nil if the run is not traced.
        package var timeline: Timeline?

        package init(
            observers: [any RunObserver], checkpoints: (any CheckpointStore)? = nil,
            shouldStop: @escaping () -> Bool = { false }, makeShardComputer: @escaping () throws -> ShardComputer,
            initialWeights: ((FloatBuffer) throws -> Void)? = nil, dataCheck: DatasetCheck? = nil,
            threadPool: ThreadPool? = nil,
            timeline: Timeline? = nil
        ) {
            self.observers = observers
            self.checkpoints = checkpoints
            self.shouldStop = shouldStop
            self.makeShardComputer = makeShardComputer
            self.initialWeights = initialWeights
            self.dataCheck = dataCheck
            self.threadPool = threadPool
            self.timeline = timeline
        }
    }
}

package import LockstepNetwork
package import LockstepSharding
package import LockstepTraining

/// The memory that computing a run's gradients takes in one process, computed without computing any.
package struct RunWorkspace {
    package let layout: ParameterLayout
    package let schedule: BatchSchedule
    /// Versions of the weights: two, and two more in rounded form where rounded weights are sent.
    let versions: Int
    /// Bytes of all versions of the weights, of gradients by the depth of the tree, and of activations and errors of one
    /// block; without the data set.
    package let bytes: Int

    /// - Parameters:
    ///   - configuration: The run's, with its shards resolved.
    ///   - trainingSamples: Samples of the training split.
    /// - Throws: `NetworkError` if there is no such network.
    package init(_ configuration: RunConfiguration, trainingSamples: Int) throws {
        layout = try ParameterLayout(configuration.network)
        schedule = BatchSchedule(
            samples: trainingSamples, batch: configuration.training.batch, shards: configuration.shards ?? 1)
        versions = configuration.communicationDataType == .float32 ? 2 : 4
        let depth = schedule.trees.map(\.depth).max() ?? 1
        let rows = min(BlockPartition.trainingRows, schedule.batch)
        let widest = layout.layers.map(\.outputs).max() ?? 0
        let neurons = configuration.network.sizes.reduce(0, +) + 2 * widest
        bytes = MemoryLayout<Float>.stride * (layout.count * (versions + depth) + rows * neurons)
    }
}

package import LockstepModel
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
        let model = try configuration.makeModel()
        layout = model.layout
        schedule = BatchSchedule(
            samples: trainingSamples, batch: configuration.training.batch, shards: configuration.shards ?? 1)
        versions = configuration.communicationDataType == .float32 ? 2 : 4
        let depth = schedule.trees.map(\.depth).max() ?? 1
        let rows = min(model.blockRows, schedule.batch)
        bytes = MemoryLayout<Float>.stride * layout.count * (versions + depth) + model.workspaceBytes(rows: rows)
    }
}

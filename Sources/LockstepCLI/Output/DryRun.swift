import LockstepNetwork
import LockstepSharding
import LockstepTraining

/// What a run would do, computed without starting anything.
struct DryRun {
    let configuration: RunConfiguration
    let workers: Int

    /// The lines of `--dry-run`.
    ///
    /// - Parameter trainingSamples: Samples of the training split.
    /// - Returns: Shards, efficiency, bytes and memory, a line each.
    /// - Throws: `NetworkError` if there is no such network.
    func lines(trainingSamples: Int) throws -> [String] {
        let layout = try ParameterLayout(configuration.network)
        let schedule = BatchSchedule(
            samples: trainingSamples, batch: configuration.training.batch, shards: configuration.shards ?? 1)
        let tree = schedule.tree(ofBatch: 0)
        let plan = AssignmentPlan(tree: tree, workers: workers)
        let nodes = plan.nodes.map(\.count).reduce(0, +)
        let bytes = layout.count * MemoryLayout<Float>.stride
        let sent = layout.count * configuration.communicationDataType.elementSize
        return [
            "samples     \(grouped(trainingSamples)) in \(grouped(schedule.stepsPerEpoch)) steps an epoch, "
                + "\(grouped(configuration.training.epochs * schedule.stepsPerEpoch)) steps in all",
            "shards      \(schedule.shards) of \(schedule.batch) samples a mini-batch",
            "workers     \(workers), with at most \(plan.maximumSamples) samples each: efficiency at most "
                + "\(decimal(100 * plan.efficiency, 1)) %",
            "parameters  \(grouped(layout.count)) (\(grouped(bytes)) bytes)",
            "traffic     \(grouped(workers * sent)) bytes of weights and \(grouped(nodes * sent)) bytes of gradients "
                + "a step",
            "memory      \(grouped(workspaceBytes(layout, schedule))) bytes a process, besides the data set",
        ]
    }

    /// Two versions of the weights, and of the rounded weights where those are sent; gradients by depth of the tree;
    /// activations and errors of one block.
    private func workspaceBytes(_ layout: ParameterLayout, _ schedule: BatchSchedule) -> Int {
        let depth = schedule.trees.map(\.depth).max() ?? 1
        let versions = configuration.communicationDataType == .float32 ? 2 : 4
        let rows = min(BlockPartition.trainingRows, schedule.batch)
        let widest = layout.layers.map(\.outputs).max() ?? 0
        let neurons = configuration.network.sizes.reduce(0, +) + 2 * widest
        return MemoryLayout<Float>.stride * (layout.count * (versions + depth) + rows * neurons)
    }
}

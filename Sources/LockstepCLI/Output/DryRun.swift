import LockstepNetwork
import LockstepSharding
import LockstepTraining

/// What a run would do, worked out without starting anything.
struct DryRun {
    let configuration: RunConfiguration
    let workers: Int

    /// The lines of `--dry-run`, for a training split of so many samples.
    func lines(trainingSamples: Int) throws -> [String] {
        let layout = try ParameterLayout(configuration.network)
        let schedule = BatchSchedule(
            samples: trainingSamples, batch: configuration.training.batch, shards: configuration.shards ?? 1)
        let tree = schedule.tree(ofBatch: 0)
        let plan = AssignmentPlan(tree: tree, workers: workers)
        let nodes = plan.nodes.map(\.count).reduce(0, +)
        let bytes = layout.count * MemoryLayout<Float>.stride
        let travelling = layout.count * configuration.communicationDataType.elementSize
        return [
            "samples     \(grouped(trainingSamples)) in \(grouped(schedule.stepsPerEpoch)) steps an epoch, "
                + "\(grouped(configuration.training.epochs * schedule.stepsPerEpoch)) steps in all",
            "shards      \(schedule.shards) of \(schedule.batch) samples a mini-batch",
            "workers     \(workers), with at most \(plan.maximumSamples) samples each: efficiency at most "
                + "\(decimal(100 * plan.efficiency, 1)) %",
            "parameters  \(grouped(layout.count)) (\(grouped(bytes)) bytes)",
            "traffic     \(grouped(workers * travelling)) bytes of weights and \(grouped(nodes * travelling)) bytes of gradients "
                + "a step",
            "memory      \(grouped(workspaceBytes(layout, schedule))) bytes a process, beside the data set",
        ]
    }

    /// Weights in two versions (rounded ones, too, where those travel), gradients by depth of the tree, activations and deltas of one block.
    private func workspaceBytes(_ layout: ParameterLayout, _ schedule: BatchSchedule) -> Int {
        let depth = schedule.trees.map(\.depth).max() ?? 1
        let versions = configuration.communicationDataType == .float32 ? 2 : 4
        let rows = min(BlockPartition.trainingRows, schedule.batch)
        let widest = layout.layers.map(\.outputs).max() ?? 0
        let neurons = configuration.network.sizes.reduce(0, +) + 2 * widest
        return MemoryLayout<Float>.stride * (layout.count * (versions + depth) + rows * neurons)
    }
}

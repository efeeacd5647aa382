import LockstepModel
import LockstepRuns
import LockstepSharding
import LockstepText
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
        let workspace = try RunWorkspace(configuration, trainingSamples: trainingSamples)
        let (layout, schedule) = (workspace.layout, workspace.schedule)
        let tree = schedule.tree(ofBatch: 0)
        let plan = AssignmentPlan(tree: tree, workers: workers)
        let nodes = plan.nodes.map(\.count).reduce(0, +)
        let bytes = layout.count * MemoryLayout<Float>.stride
        let limit = configuration.training.earlyStoppingPlateau == nil ? "" : "at most "
        let sent = layout.count * configuration.communicationDataType.elementSize
        return [
            "samples     \(grouped(trainingSamples)) in \(grouped(schedule.stepsPerEpoch)) steps an epoch, "
                + "\(limit)\(grouped(configuration.training.epochs * schedule.stepsPerEpoch)) steps in all",
            "shards      \(schedule.shards) of \(schedule.batch) samples a mini-batch",
            "workers     \(workers), with at most \(plan.maximumSamples) samples each: efficiency at most "
                + "\(decimal(100 * plan.efficiency, 1)) %",
            "parameters  \(grouped(layout.count)) (\(grouped(bytes)) bytes)",
            "traffic     \(grouped(workers * sent)) bytes of weights and \(grouped(nodes * sent)) bytes of gradients "
                + "a step",
            "memory      \(grouped(workspace.bytes)) bytes a process, besides the data set",
        ]
    }
}

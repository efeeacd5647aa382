import LockstepCompute
import LockstepCostModel
import LockstepData
import LockstepModel
import LockstepRuns
import LockstepRuntime
import LockstepSharding
import LockstepText
import LockstepTraining

/// What a run would do, found out without starting anything.
struct DryRun {
    let configuration: RunConfiguration
    let workers: Int

    /// The lines of `--dry-run`, except the last.
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

    /// The last line of `--dry-run`: how long the run may take, and what that rests on. The arithmetic is measured for about
    /// a tenth of a second in this process.
    ///
    /// - Parameters:
    ///   - dataset: The data set of the configuration.
    ///   - placement: Where the work is to be done; nil: on workers of this host.
    /// - Returns: The line; why there is no estimate, if this host cannot measure the run.
    func timeLine(_ dataset: Dataset, _ placement: RunResources.Placement?) -> String {
        do {
            try RunResources(configuration, dataset.description, .oneProcess).check()
            let run = try TrainingRun(
                configuration: configuration, dataset: dataset, workers: workers,
                kernel: try configuration.kernel ?? .resolve("auto"))
            let isRemote = if case .remoteWorkers = placement { true } else { false }
            let local = placement == .oneProcess || isRemote ? 0 : workers
            return Self.timeLine(
                try RunEstimate(measuring: run, workers: local), isRemote: isRemote,
                mayStopEarly: configuration.training.earlyStoppingPlateau != nil)
        } catch {
            return "time        unknown: \(error)"
        }
    }

    /// - Parameters:
    ///   - estimate: What was measured.
    ///   - isRemote: Whether workers on unknown hosts are to compute, so that the estimate is of one process here.
    ///   - mayStopEarly: Whether the steps are the most that the run takes.
    /// - Returns: The line.
    static func timeLine(_ estimate: RunEstimate, isRemote: Bool, mayStopEarly: Bool) -> String {
        guard estimate.steps > 0 else { return "time        no steps" }
        var parts: [String] = []
        let most = mayStopEarly ? "at most " : ""
        let work =
            "\(most)\(counted(estimate.steps, "step")) of \(milliseconds(estimate.step))"
            + (estimate.evaluations > 0
                ? " and \(counted(estimate.evaluations, "evaluation")) of \(milliseconds(estimate.evaluation))" : "")
        if estimate.workers == 0 {
            parts.append("about \(duration(estimate.seconds)) in one process of this host: \(work)")
        } else {
            parts.append(
                "at least \(duration(estimate.seconds)) on \(counted(estimate.workers, "worker")), whose messages are not "
                    + "counted: \(work)")
            parts.append("about \(duration(estimate.alone)) in one process")
        }
        if isRemote { parts.append("the time with workers depends on their hosts and the link") }
        if estimate.isUncertain { parts.append(estimate.load.warning) }
        return "time        \(parts.joined(separator: "; "))"
    }
}

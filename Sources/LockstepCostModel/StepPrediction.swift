package import LockstepSharding

/// What a step of a run will take, known before the first one.
package struct StepPrediction: Hashable, Sendable {
    package let workers: Int
    /// Bytes of all parameters: what goes to each worker and comes back from it in a step.
    package let parameterBytes: Int
    /// A step on these workers.
    package let step: CostModel.Estimate
    /// The same mini-batch in one shard on a single process.
    package let alone: CostModel.Estimate
    /// The smallest mini-batch at which these workers are faster than a single process, where they are slower at this
    /// one; nil where they are faster already, and where no mini-batch of the data set is large enough.
    package let crossover: Int?
    /// What other programs used of this machine while the figures were measured.
    package let load: MachineLoad
    /// Whether so much that the figures cannot be trusted. Nothing is then said about a speedup.
    package let isUncertain: Bool
}

extension CostModel {
    /// The predicted seconds of a full mini-batch's step with 0, 1, ... workers. With 0 the coordinator computes alone.
    package func steps(of schedule: BatchSchedule, workers: Int) -> [Double] {
        let alone = single(batch: schedule.batch, shards: schedule.shards).total
        guard workers > 0 else { return [alone] }
        return [alone]
            + (1...workers).map { distributed(batch: schedule.batch, shards: schedule.shards, workers: $0).total }
    }

    /// The predicted seconds of such a step with the coordinator beside 1, 2, ... workers.
    package func stepsWithCoordinator(of schedule: BatchSchedule, workers: Int) -> [Double] {
        guard workers > 0 else { return [] }
        return (1...workers).map {
            distributed(batch: schedule.batch, shards: schedule.shards, workers: $0, withCoordinator: true).total
        }
    }

    /// Predicts a run's steps.
    ///
    /// - Parameters:
    ///   - batch: Samples of the mini-batch.
    ///   - shards: Its shards.
    ///   - workers: How many take part, at least 1.
    ///   - limit: The largest mini-batch that makes sense: the training split.
    ///   - load: What other programs used of this machine while the model was measured.
    ///   - computing: Processes of this host that are to compute; nil: all workers.
    /// - Returns: The times, and from which mini-batch these workers are faster than a single process.
    package func prediction(
        batch: Int, shards: Int, workers: Int, limit: Int, load: MachineLoad, computing: Int? = nil
    ) -> StepPrediction {
        let step = distributed(batch: batch, shards: shards, workers: workers)
        let alone = single(batch: batch, shards: 1)
        let isSlower = workers > 1 && step.total >= alone.total
        return StepPrediction(
            workers: workers, parameterBytes: parameterBytes, step: step, alone: alone,
            crossover: isSlower ? crossover(workers: workers, limit: limit) : nil, load: load,
            isUncertain: load.isBusy(computing: min(computing ?? workers, cores)))
    }
}

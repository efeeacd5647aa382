package import LockstepCostModel
import LockstepData
import LockstepModel
import LockstepSharding
package import LockstepTraining

/// How long a run may take, from a calibration of one process.
package struct RunEstimate: Hashable, Sendable {
    /// Steps of all epochs, fewer if the run stops early.
    package let steps: Int
    /// Seconds of a step. With workers, messages are not counted: there is no process yet to exchange them with.
    package let step: Double
    /// Evaluations of the whole run, and seconds of each.
    package let evaluations: Int
    package let evaluation: Double
    /// 0: one process.
    package let workers: Int
    /// The same steps and evaluations in one process, in seconds.
    package let alone: Double
    package let load: MachineLoad
    /// Whether other programs used so much of the machine that the figures cannot be trusted.
    package let isUncertain: Bool

    package var seconds: Double { Double(steps) * step + Double(evaluations) * evaluation }

    /// - Parameters:
    ///   - schedule: The run's mini-batches.
    ///   - epochs: Those of the run.
    ///   - evaluations: How often the model is evaluated.
    ///   - evaluatedSamples: Samples of an evaluation.
    ///   - secondsPerSample: What a sample of an evaluation takes.
    ///   - workers: Worker processes on this host; 0: one process.
    ///   - calibration: What was measured.
    init(
        _ schedule: BatchSchedule, epochs: Int, evaluations: Int, evaluatedSamples: Int, secondsPerSample: Double,
        workers: Int, _ calibration: Calibration.Result
    ) {
        let model = calibration.model
        steps = epochs * schedule.stepsPerEpoch
        self.evaluations = evaluations
        self.workers = workers
        let wholeEvaluation = Double(evaluatedSamples) * secondsPerSample
        let single = model.single(batch: schedule.batch, shards: schedule.shards).total
        alone = Double(steps) * single + Double(evaluations) * wholeEvaluation
        step =
            workers == 0
            ? single : model.distributed(batch: schedule.batch, shards: schedule.shards, workers: workers).total
        evaluation = wholeEvaluation / Double(max(1, min(workers, model.cores)))
        load = calibration.load
        isUncertain = load.isBusy(computing: max(1, min(workers, model.cores)))
    }

    /// Measures a run in this process for about a tenth of a second, and starts nothing.
    ///
    /// - Parameters:
    ///   - run: The run.
    ///   - workers: Worker processes on this host; 0: one process.
    /// - Throws: An error if this configuration cannot be run.
    package init(measuring run: TrainingRun, workers: Int) throws {
        let calibration = try Calibration(run: run, within: Cluster.calibrationSeconds)
        let configuration = run.configuration
        let every = configuration.evaluation.every
        let epochs = configuration.training.epochs
        let splits = [Split.test, .validation].map { run.dataset.indices(of: $0).count }
        self.init(
            run.schedule, epochs: epochs, evaluations: every > 0 ? epochs / every + (epochs % every == 0 ? 0 : 1) : 0,
            evaluatedSamples: splits.reduce(0, +) + min(configuration.evaluation.training, run.schedule.samples),
            secondsPerSample: every > 0 ? try calibration.evaluationSecondsPerSample() : 0, workers: workers,
            try calibration.measure())
    }
}

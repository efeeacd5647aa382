import LockstepNumerics
import LockstepSharding
import LockstepTraining

/// What happens in a training, in order.
public enum TrainingEvent: Sendable {
    /// The coordinator listens, and workers can connect to these endpoints.
    case listening([String])
    /// The first step follows: with so many workers (1: this process alone) and shards, after so many steps of an earlier process.
    case started(workers: Int, shards: Int, steps: Int)
    /// Steps have been taken; reported a few times a second.
    case steps(StepReport)
    /// An epoch and its evaluation have ended.
    case epoch(Epoch)
    /// Something that people should know: a worker was lost, a file could not be written.
    case notice(String)
}

/// The progress within an epoch.
public struct StepReport: Hashable, Sendable {
    /// From 0.
    public let epoch: Int
    /// Steps of this epoch that are done, of ``stepsPerEpoch``.
    public let step: Int
    /// The mini-batches of an epoch.
    public let stepsPerEpoch: Int
    /// Mean cost of the training samples since the last report.
    public let trainingCost: Double
    /// The learning rate of the last step.
    public let learningRate: Double?
    /// Training samples per second since the last report.
    public let samplesPerSecond: Double
    /// Processes that compute.
    public let workers: Int

    init(_ progress: StepProgress) {
        epoch = progress.epoch
        step = progress.step
        stepsPerEpoch = progress.stepsPerEpoch
        trainingCost = progress.meanTrainingLoss
        learningRate = progress.learningRate
        samplesPerSecond = progress.samplesPerSecond
        workers = progress.workers
    }
}

/// How a training ended.
public struct TrainingResult: Sendable {
    /// All epochs, in order; those of an earlier process, too, if the training continued one.
    public let epochs: [Epoch]
    /// Steps, likewise.
    public let steps: Int
    /// SHA-256 of the final weights, in hexadecimal.
    public let weightsSHA256: String
    /// Whether it was asked to stop before its last epoch.
    public let isStopped: Bool
    /// Whether it ended early because the validation samples showed no improvement.
    public let stoppedEarly: Bool
    /// The epoch that was best on the validation samples; nil without these.
    public let bestEpoch: Epoch?
    /// Workers that were lost.
    public let lostWorkers: Int

    /// The final weights.
    let final: FloatBuffer
    /// Those of the best epoch; nil without one.
    let best: FloatBuffer?

    init(_ outcome: RunOutcome, final: FloatBuffer, best: FloatBuffer?) {
        epochs = outcome.epochs.map(Epoch.init)
        steps = outcome.steps
        weightsSHA256 = outcome.weightsSHA256
        isStopped = outcome.interrupted
        stoppedEarly = outcome.earlyStoppingPlateau != nil
        bestEpoch = outcome.selectedEpoch.map(Epoch.init)
        lostWorkers = outcome.membership.lost
        self.final = final
        self.best = best
    }

    func weights(_ kept: KeptWeights) -> FloatBuffer { kept == .best ? best ?? final : final }
}

/// Turns what the trainer reports into events, and keeps the weights.
final class TrainingObserver: RunObserver {
    private let emit: (TrainingEvent) -> Void
    private(set) var outcome: RunOutcome?
    /// The final weights; nil until the run ends.
    private(set) var final: FloatBuffer?
    /// The weights of the best epoch that this process has seen.
    private(set) var best: FloatBuffer?

    init(_ emit: @escaping (TrainingEvent) -> Void) {
        self.emit = emit
    }

    func runWillStart(_ run: RunDescription) {
        emit(.started(workers: run.workers, shards: run.shards, steps: Int(clamping: run.resumed?.step ?? 0)))
    }

    func runDidProgress(_ progress: StepProgress) { emit(.steps(StepReport(progress))) }

    func epochDidFinish(_ epoch: EpochReport, parameters: FloatBuffer) {
        if epoch.isBest { best = parameters.copy() }
        emit(.epoch(Epoch(epoch)))
    }

    func runDidRecover(_ recovery: Recovery) { emit(.notice(recovery.reason)) }

    func runDidFinish(_ outcome: RunOutcome, parameters: FloatBuffer) {
        self.outcome = outcome
        final = parameters.copy()
    }
}

extension FloatBuffer {
    /// The same numbers in memory of their own.
    func copy() -> FloatBuffer {
        let copy = FloatBuffer(count: count)
        copy.pointer.update(from: pointer, count: count)
        return copy
    }
}

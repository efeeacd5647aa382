package import LockstepData
package import LockstepNumerics
package import LockstepSharding

/// Observes a run. Called on the training thread, between steps.
package protocol RunObserver: AnyObject {
    /// Called once, before the first step.
    func runWillStart(_ run: RunDescription) throws
    /// Called a few times a second during an epoch.
    func runDidProgress(_ progress: StepProgress)
    /// Called after each epoch and its evaluation; the parameters are the epoch's weights, valid during the call.
    func epochDidFinish(_ epoch: EpochReport, parameters: FloatBuffer) throws
    /// Called when the run has found a fault: it repeats the step, or goes back to an earlier state, and what it has
    /// reported since is void.
    func runDidRecover(_ recovery: Recovery) throws
    /// Called once at the end, also if the run was stopped between two steps.
    func runDidFinish(_ outcome: RunOutcome, parameters: FloatBuffer) throws
}

extension RunObserver {
    package func runDidRecover(_ recovery: Recovery) {}
}

/// How a run goes on after a fault.
package struct Recovery: Sendable {
    /// What was found, as a sentence without its full stop.
    package var reason: String
    /// The state that the run goes back to; nil: only the step under way is repeated.
    package var rewoundTo: TrainingProgress?

    package init(reason: String, rewoundTo: TrainingProgress? = nil) {
        self.reason = reason
        self.rewoundTo = rewoundTo
    }
}

/// What is fixed when a run starts.
package struct RunDescription: Sendable {
    package var configuration: RunConfiguration
    package var dataset: DatasetDescription
    package var shards: Int
    package var workers: Int
    package var kernel: String
    package var parameterCount: Int
    package var stepsPerEpoch: Int
    /// Where an earlier process left the run that this one resumes; nil for a new run.
    package var resumed: TrainingProgress?

    package init(
        configuration: RunConfiguration, dataset: DatasetDescription, shards: Int, workers: Int, kernel: String,
        parameterCount: Int, stepsPerEpoch: Int
    ) {
        self.configuration = configuration
        self.dataset = dataset
        self.shards = shards
        self.workers = workers
        self.kernel = kernel
        self.parameterCount = parameterCount
        self.stepsPerEpoch = stepsPerEpoch
    }
}

/// The progress of a run within an epoch.
package struct StepProgress: Sendable {
    package var epoch: Int
    /// Steps finished in this epoch, of `stepsPerEpoch`.
    package var step: Int
    package var stepsPerEpoch: Int
    /// Steps finished in the whole run.
    package var totalSteps: Int
    /// Mean loss of the training samples since the last report.
    package var meanTrainingLoss: Double
    /// η of the last step; nil if it is not known.
    package var learningRate: Double?
    package var samplesPerSecond: Double
    package var workers: Int

    package init(
        epoch: Int, step: Int, stepsPerEpoch: Int, totalSteps: Int, meanTrainingLoss: Double,
        learningRate: Double? = nil, samplesPerSecond: Double, workers: Int
    ) {
        self.epoch = epoch
        self.step = step
        self.stepsPerEpoch = stepsPerEpoch
        self.totalSteps = totalSteps
        self.meanTrainingLoss = meanTrainingLoss
        self.learningRate = learningRate
        self.samplesPerSecond = samplesPerSecond
        self.workers = workers
    }
}

/// One epoch's results.
package struct EpochReport: Codable, Hashable, Sendable {
    /// From 0.
    package var epoch: Int
    /// Absent in epochs without evaluation.
    package var test: SplitScore?
    package var validation: SplitScore?
    /// The first training samples with the epoch's weights, without dropout and augmentation; absent unless the
    /// configuration asks for it.
    package var training: SplitScore?
    /// Mean loss of the epoch's training samples, each with the weights of its step.
    package var meanTrainingLoss: Double
    /// η of the epoch's last step; nil in reports of older programs.
    package var learningRate: Double?
    /// Seconds of the steps, without evaluation.
    package var seconds: Double
    package var samples: Int
    package var totalSteps: Int
    package var workers: Int
    /// All 64 digits; an epoch's line of output shows the first 8.
    package var weightsSHA256: String
    /// Whether more validation samples are correct than in any earlier epoch.
    package var isBest: Bool

    package init(
        epoch: Int, test: SplitScore?, validation: SplitScore?, training: SplitScore? = nil, meanTrainingLoss: Double,
        learningRate: Double? = nil, seconds: Double, samples: Int, totalSteps: Int, workers: Int,
        weightsSHA256: String, isBest: Bool
    ) {
        self.epoch = epoch
        self.test = test
        self.validation = validation
        self.training = training
        self.meanTrainingLoss = meanTrainingLoss
        self.learningRate = learningRate
        self.seconds = seconds
        self.samples = samples
        self.totalSteps = totalSteps
        self.workers = workers
        self.weightsSHA256 = weightsSHA256
        self.isBest = isBest
    }

    /// The keys of checkpoints.
    private enum CodingKeys: String, CodingKey {
        case epoch, test, validation, training, learningRate, seconds, samples, totalSteps, workers, weightsSHA256
        case isBest
        case meanTrainingLoss = "trainingCost"
    }
}

/// How a run ended.
package struct RunOutcome: Sendable {
    package var epochs: [EpochReport]
    package var steps: Int
    /// Seconds of the steps, without evaluation.
    package var seconds: Double
    package var samples: Int
    package var weightsSHA256: String
    package var membership: MembershipCounts
    /// The longest time between two finished steps of an epoch, in milliseconds.
    package var maximumStepGapMilliseconds: Double
    /// Whether a signal ended the run before its last epoch.
    package var interrupted: Bool
    /// Evaluations without a better validation count after which the run stopped before its last epoch; nil: it did not.
    package var earlyStoppingPlateau: Int?

    package init(
        epochs: [EpochReport], steps: Int, seconds: Double, samples: Int, weightsSHA256: String,
        membership: MembershipCounts, maximumStepGapMilliseconds: Double, interrupted: Bool,
        earlyStoppingPlateau: Int? = nil
    ) {
        self.epochs = epochs
        self.steps = steps
        self.seconds = seconds
        self.samples = samples
        self.weightsSHA256 = weightsSHA256
        self.membership = membership
        self.maximumStepGapMilliseconds = maximumStepGapMilliseconds
        self.interrupted = interrupted
        self.earlyStoppingPlateau = earlyStoppingPlateau
    }
}

extension RunOutcome {
    /// The epoch with the most correct test samples, the earliest of several; nil without an evaluation.
    package var bestEpoch: EpochReport? {
        epochs.filter { $0.test != nil }.max { left, right in
            let (a, b) = (left.test?.merit ?? 0, right.test?.merit ?? 0)
            return a == b ? left.epoch > right.epoch : a < b
        }
    }

    /// The epoch with the most correct validation samples, the earliest of several; nil without validation.
    package var selectedEpoch: EpochReport? {
        // Each epoch that is better than all before it replaces the one before.
        epochs.last(where: \.isBest)
    }

    /// The epoch whose weights are the final ones; nil if the run was interrupted within an epoch.
    package var finalEpoch: EpochReport? {
        epochs.last.flatMap { $0.totalSteps == steps ? $0 : nil }
    }
}

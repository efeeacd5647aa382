package import LockstepData
package import LockstepNumerics

/// Follows a run; told on the training thread, between steps.
package protocol RunObserver: AnyObject {
    /// Called once, before the first step.
    func runWillStart(_ run: RunDescription) throws
    /// Called a few times a second while an epoch is under way.
    func runDidProgress(_ progress: StepProgress)
    /// Called after each epoch, after its evaluation if it has one; the parameters are the epoch's weights, valid during
    /// the call.
    func epochDidFinish(_ epoch: EpochReport, parameters: FloatBuffer) throws
    /// Called once at the end, also when the run was stopped between two steps.
    func runDidFinish(_ outcome: RunOutcome, parameters: FloatBuffer) throws
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
    /// Where an earlier process left the run that this one goes on with; nil for a new run.
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

/// Where a run stands within an epoch.
package struct StepProgress: Sendable {
    package var epoch: Int
    /// Steps finished in this epoch, of `stepsPerEpoch`.
    package var step: Int
    package var stepsPerEpoch: Int
    /// Steps finished in the whole run.
    package var totalSteps: Int
    /// Mean training cost of a sample since the last report.
    package var meanTrainingLoss: Double
    package var samplesPerSecond: Double
    package var workers: Int

    package init(
        epoch: Int, step: Int, stepsPerEpoch: Int, totalSteps: Int, meanTrainingLoss: Double, samplesPerSecond: Double,
        workers: Int
    ) {
        self.epoch = epoch
        self.step = step
        self.stepsPerEpoch = stepsPerEpoch
        self.totalSteps = totalSteps
        self.meanTrainingLoss = meanTrainingLoss
        self.samplesPerSecond = samplesPerSecond
        self.workers = workers
    }
}

/// How well the network does on one split.
package struct SplitScore: Codable, Hashable, Sendable {
    package var correct: Int
    package var total: Int
    /// Mean cost of a sample, C.
    package var meanLoss: Double
    /// How often each class was the answer.
    package var predictions: [Int]

    package init(correct: Int, total: Int, meanLoss: Double, predictions: [Int]) {
        self.correct = correct
        self.total = total
        self.meanLoss = meanLoss
        self.predictions = predictions
    }

    /// The keys of checkpoints.
    private enum CodingKeys: String, CodingKey {
        case correct, total, predictions
        case meanLoss = "cost"
    }
}

/// One epoch's results.
package struct EpochReport: Codable, Hashable, Sendable {
    /// From 0.
    package var epoch: Int
    /// Absent in epochs without evaluation.
    package var test: SplitScore?
    package var validation: SplitScore?
    /// Mean cost of a training sample over the epoch, each under the weights of its step.
    package var meanTrainingLoss: Double
    /// Of the steps; evaluation excluded.
    package var seconds: Double
    package var samples: Int
    package var totalSteps: Int
    package var workers: Int
    /// All 64 digits; the epoch line shows the first 8.
    package var weightsSHA256: String
    /// Whether the validation count is the highest so far (the earliest on a tie).
    package var isBest: Bool

    package init(
        epoch: Int, test: SplitScore?, validation: SplitScore?, meanTrainingLoss: Double, seconds: Double, samples: Int,
        totalSteps: Int, workers: Int, weightsSHA256: String, isBest: Bool
    ) {
        self.epoch = epoch
        self.test = test
        self.validation = validation
        self.meanTrainingLoss = meanTrainingLoss
        self.seconds = seconds
        self.samples = samples
        self.totalSteps = totalSteps
        self.workers = workers
        self.weightsSHA256 = weightsSHA256
        self.isBest = isBest
    }

    /// The keys of checkpoints.
    private enum CodingKeys: String, CodingKey {
        case epoch, test, validation, seconds, samples, totalSteps, workers, weightsSHA256, isBest
        case meanTrainingLoss = "trainingCost"
    }
}

/// How a run ended.
package struct RunOutcome: Sendable {
    package var epochs: [EpochReport]
    package var steps: Int
    /// Of the steps; evaluation excluded.
    package var seconds: Double
    package var samples: Int
    package var weightsSHA256: String
    package var membership: MembershipCounts
    /// The longest time between two finished steps of an epoch, in milliseconds.
    package var maximumStepGapMilliseconds: Double
    /// Whether a signal ended the run before its last epoch.
    package var interrupted: Bool

    package init(
        epochs: [EpochReport], steps: Int, seconds: Double, samples: Int, weightsSHA256: String,
        membership: MembershipCounts, maximumStepGapMilliseconds: Double, interrupted: Bool
    ) {
        self.epochs = epochs
        self.steps = steps
        self.seconds = seconds
        self.samples = samples
        self.weightsSHA256 = weightsSHA256
        self.membership = membership
        self.maximumStepGapMilliseconds = maximumStepGapMilliseconds
        self.interrupted = interrupted
    }
}

import LockstepTraining

/// How well a network classifies the samples of a split.
public struct Evaluation: Hashable, Sendable, CustomStringConvertible {
    /// Samples whose largest output is the right one; 0 where the network predicts numbers.
    public let correct: Int
    /// Samples of the split.
    public let total: Int
    /// Mean cost of a sample, C = 1/2n Σ ‖y - a‖² for a quadratic cost.
    public let cost: Double

    init(_ score: SplitScore) {
        correct = score.correct ?? 0
        total = score.total
        cost = score.total == 0 ? 0 : score.meanLoss
    }

    /// `9487 / 10000`.
    public var description: String { "\(correct) / \(total)" }
}

/// The result of one pass over the training samples.
public struct Epoch: Hashable, Sendable, CustomStringConvertible {
    /// From 0.
    public let number: Int
    /// On the test samples; nil if there are none.
    public let test: Evaluation?
    /// On the validation samples; nil if there are none.
    public let validation: Evaluation?
    /// Mean cost of the training samples, each computed with the weights of its step.
    public let trainingCost: Double
    /// The time of the steps, in seconds.
    public let seconds: Double
    /// Processes that computed at the epoch's end; 0: a coordinator without need of its workers.
    public let workers: Int
    /// SHA-256 of the weights, in hexadecimal: equal for equal runs, on one process or many.
    public let weightsSHA256: String

    init(_ report: EpochReport) {
        number = report.epoch
        test = report.test.flatMap { $0.total > 0 ? Evaluation($0) : nil }
        validation = report.validation.map(Evaluation.init)
        trainingCost = report.meanTrainingLoss
        seconds = report.seconds
        workers = report.workers
        weightsSHA256 = report.weightsSHA256
    }

    /// `Epoch 0: 9129 / 10000`, as the textbook's program prints it.
    public var description: String {
        "Epoch \(number): " + (test.map { "\($0)" } ?? "training cost \(trainingCost)")
    }
}

import Foundation
import LockstepData
import LockstepSharding
package import LockstepTraining

/// The content of `summary.json`, which is written when a run has ended.
package struct RunSummary: Codable, Hashable, Sendable {
    /// How a run that has a summary ended.
    package enum Status: String, Codable, Sendable {
        case finished
        /// By a signal, between two steps.
        case interrupted
    }

    /// One epoch; without an evaluation its results are null.
    package struct Epoch: Codable, Hashable, Sendable {
        /// From 0.
        package var epoch: Int
        /// Correct samples of the test split.
        @OrNull package var correct: Int?
        @OrNull package var total: Int?
        @OrNull package var cost: Double?
        @OrNull package var validationCorrect: Int?
        @OrNull package var validationTotal: Int?
        @OrNull package var validationCost: Double?
        /// R² of the test and the validation samples; null where classes are predicted.
        @OrNull package var r2: Double?
        @OrNull package var validationR2: Double?
        /// Mean loss of the training samples, each with the weights of its step.
        @OrNull package var trainingCost: Double?
        /// How many of the evaluated training samples are correct; nil if none were evaluated.
        @OrNull package var trainingCorrect: Int?
        @OrNull package var trainingTotal: Int?
        /// η of the last step; null in summaries of older versions.
        @OrNull package var learningRate: Double?
        /// Seconds of the steps, without evaluation.
        @OrNull package var seconds: Double?
        package var weightsSHA256: String

        enum CodingKeys: String, CodingKey {
            case epoch, correct, total, cost, seconds, r2
            case validationR2 = "validation_r2"
            case validationCorrect = "validation_correct"
            case validationTotal = "validation_total"
            case validationCost = "validation_cost"
            case trainingCost = "training_cost"
            case trainingCorrect = "training_correct"
            case trainingTotal = "training_total"
            case learningRate = "learning_rate"
            case weightsSHA256 = "weights_sha256"
        }
    }

    package var name: String
    package var status: Status
    /// Whether evaluations without improvement ended the run; null in summaries of older versions.
    @OrNull package var stoppedEarly: Bool?
    package var programVersion: String
    /// Workers at the start.
    package var workers: Int
    /// Workers that computed at the end of the last epoch; 0 if the coordinator computed alone, which was fastest.
    package var activeWorkers: Int
    package var shards: Int
    package var kernel: String
    package var seed: UInt64
    /// Weights and biases.
    package var parameters: Int
    package var data: String
    package var dataSHA256: String
    /// The names of the classes; null where they are numbers, and in summaries of older versions.
    @OrNull package var classNames: [String]?
    package var epochs: [Epoch]
    /// The most correct test samples of any epoch.
    @OrNull package var bestCorrect: Int?
    /// The first epoch with that count; null in summaries of older versions, like the epoch below.
    @OrNull package var bestEpoch: Int?
    /// The correct test samples of `best.safetensors`, which the validation split selected.
    @OrNull package var selectedCorrect: Int?
    /// The epoch of `best.safetensors`; null without validation.
    @OrNull package var selectedEpoch: Int?
    /// The correct test samples of the last epoch.
    @OrNull package var finalCorrect: Int?
    /// Classes that the last evaluation on the test split never predicted.
    @OrNull package var neverPredicted: [Int]?
    package var steps: Int
    /// Seconds of the steps, without evaluation, as in the next two rates.
    @OrNull package var seconds: Double?
    @OrNull package var stepsPerSecond: Double?
    @OrNull package var samplesPerSecond: Double?
    package var weightsSHA256: String
    package var bitwiseReproducible: Bool
    package var workersLost: Int
    package var workersJoined: Int
    /// Shards that were reassigned because their worker was lost.
    package var shardsReassigned: Int
    /// Workers of this host that died and were started again; null in summaries of older versions, like the next three.
    @OrNull package var restarts: Int?
    /// Nodes and evaluation blocks of slow workers that an idle worker was also given.
    @OrNull package var duplicates: Int?
    @OrNull package var stepsAudited: Int?
    /// Workers whose results were found wrong.
    @OrNull package var quarantined: Int?
    /// How often the run went back to an earlier state, because memory had changed or numbers were wrong.
    @OrNull package var rewinds: Int?
    /// Steps that were computed once more because of that.
    @OrNull package var stepsRepeated: Int?
    /// The longest time between two finished steps of an epoch, in milliseconds.
    @OrNull package var maxStepGapMilliseconds: Double?
    /// Bytes of gradients and weights inside messages.
    package var inlinePayloadBytes: UInt64
    /// The largest memory that the process has had.
    @OrNull package var peakMemoryBytes: UInt64?

    enum CodingKeys: String, CodingKey {
        case name, status, workers, shards, kernel, seed, parameters, data, epochs, steps, seconds
        case stoppedEarly = "stopped_early"
        case programVersion = "program_version"
        case activeWorkers = "active_workers"
        case dataSHA256 = "data_sha256"
        case classNames = "class_names"
        case bestCorrect = "best_correct"
        case bestEpoch = "best_epoch"
        case selectedCorrect = "selected_correct"
        case selectedEpoch = "selected_epoch"
        case finalCorrect = "final_correct"
        case neverPredicted = "never_predicted"
        case stepsPerSecond = "steps_per_second"
        case samplesPerSecond = "samples_per_second"
        case weightsSHA256 = "weights_sha256"
        case bitwiseReproducible = "bitwise_reproducible"
        case workersLost = "workers_lost"
        case workersJoined = "workers_joined"
        case shardsReassigned = "shards_reassigned"
        case restarts, duplicates, quarantined, rewinds
        case stepsRepeated = "steps_repeated"
        case stepsAudited = "steps_audited"
        case maxStepGapMilliseconds = "max_step_gap_ms"
        case inlinePayloadBytes = "inline_payload_bytes"
        case peakMemoryBytes = "peak_memory_bytes"
    }
}

extension RunSummary {
    /// Summarizes a run that has ended.
    package init(run: RunDescription, outcome: RunOutcome, programVersion: String, peakMemoryBytes: UInt64?) {
        let membership = outcome.membership
        let evaluated = outcome.epochs.compactMap(\.test)
        self.init(
            name: run.configuration.name, status: outcome.interrupted ? .interrupted : .finished,
            stoppedEarly: outcome.earlyStoppingPlateau != nil,
            programVersion: programVersion, workers: run.workers,
            activeWorkers: outcome.epochs.last?.workers ?? run.workers, shards: run.shards, kernel: run.kernel,
            seed: run.configuration.training.seed, parameters: run.parameterCount, data: run.dataset.name,
            dataSHA256: run.dataset.sha256,
            classNames: run.dataset.namesClasses ? run.dataset.classNames : nil,
            epochs: outcome.epochs.map { Epoch($0, run.dataset.targetVariances) },
            bestCorrect: outcome.bestEpoch?.test?.correct, bestEpoch: outcome.bestEpoch?.epoch,
            selectedCorrect: outcome.selectedEpoch?.test?.correct, selectedEpoch: outcome.selectedEpoch?.epoch,
            finalCorrect: outcome.epochs.last?.test?.correct,
            neverPredicted: evaluated.last.flatMap { $0.correct == nil ? nil : $0.neverPredicted },
            steps: outcome.steps, seconds: outcome.seconds.ifFinite,
            stepsPerSecond: (Double(outcome.steps) / outcome.seconds).ifFinite,
            samplesPerSecond: (Double(outcome.samples) / outcome.seconds).ifFinite,
            weightsSHA256: outcome.weightsSHA256, bitwiseReproducible: membership.isBitwiseReproducible,
            workersLost: membership.lost, workersJoined: membership.joined,
            shardsReassigned: membership.shardsReassigned, restarts: membership.restarts,
            duplicates: membership.speculativeItems, stepsAudited: membership.stepsAudited,
            quarantined: membership.quarantined, rewinds: membership.rewinds,
            stepsRepeated: membership.stepsRepeated,
            maxStepGapMilliseconds: outcome.maximumStepGapMilliseconds.ifFinite,
            inlinePayloadBytes: membership.inlinePayloadBytes, peakMemoryBytes: peakMemoryBytes)
    }
}

extension RunSummary {
    /// Larger than any summary: a million epochs.
    private static let maximumSize = 1 << 29

    /// Reads a run's `summary.json`.
    ///
    /// - Throws: ``ArtifactError`` that names the file if it is missing or not a summary.
    package static func load(_ directory: RunDirectory) throws(ArtifactError) -> RunSummary {
        try load(path: directory.summary)
    }

    /// Reads a `summary.json`.
    package static func load(path: String) throws(ArtifactError) -> RunSummary {
        let bytes = try readFile(path, limit: maximumSize)
        guard let summary = try? JSONDecoder().decode(RunSummary.self, from: Data(bytes)) else {
            throw .malformed(path: path, reason: "not the summary of a run", remedy: "give a run directory")
        }
        return summary
    }
}

extension RunSummary.Epoch {
    init(_ report: EpochReport, _ variances: [Split: Double]) {
        self.init(
            epoch: report.epoch, correct: report.test?.correct, total: report.test?.total,
            cost: report.test?.meanLoss.ifFinite, validationCorrect: report.validation?.correct,
            validationTotal: report.validation?.total, validationCost: report.validation?.meanLoss.ifFinite,
            r2: report.test?.r2(variance: variances[.test])?.ifFinite,
            validationR2: report.validation?.r2(variance: variances[.validation])?.ifFinite,
            trainingCost: report.meanTrainingLoss.ifFinite, trainingCorrect: report.training?.correct,
            trainingTotal: report.training?.total, learningRate: report.learningRate?.ifFinite,
            seconds: report.seconds.ifFinite,
            weightsSHA256: report.weightsSHA256)
    }
}

extension SplitScore {
    /// Classes that were never predicted.
    package var neverPredicted: [Int] {
        predictions.indices.filter { predictions[$0] == 0 }
    }
}

import LockstepData
package import LockstepTraining

/// What `summary.json` says about a run, once it has ended.
package struct RunSummary: Codable, Hashable, Sendable {
    /// How a run can end and still be summed up.
    package enum Status: String, Codable, Sendable {
        case finished
        /// By a signal, between two steps.
        case interrupted
    }

    /// One epoch; what was not evaluated is null.
    package struct Epoch: Codable, Hashable, Sendable {
        /// From 0.
        package var epoch: Int
        /// Of the test split.
        @OrNull package var correct: Int?
        @OrNull package var total: Int?
        @OrNull package var cost: Double?
        @OrNull package var validationCorrect: Int?
        @OrNull package var validationTotal: Int?
        @OrNull package var validationCost: Double?
        /// Mean cost of a training sample, each under the weights of its step.
        @OrNull package var trainingCost: Double?
        /// Of the steps; evaluation excluded.
        @OrNull package var seconds: Double?
        package var weightsSHA256: String

        enum CodingKeys: String, CodingKey {
            case epoch, correct, total, cost, seconds
            case validationCorrect = "validation_correct"
            case validationTotal = "validation_total"
            case validationCost = "validation_cost"
            case trainingCost = "training_cost"
            case weightsSHA256 = "weights_sha256"
        }
    }

    package var name: String
    package var status: Status
    package var programVersion: String
    /// Those that were there at the start.
    package var workers: Int
    /// Those that computed at the end of the last epoch; 0: the coordinator alone, for that was fastest.
    package var activeWorkers: Int
    package var shards: Int
    package var kernel: String
    package var seed: UInt64
    /// Weights and biases.
    package var parameters: Int
    package var data: String
    package var dataSHA256: String
    package var epochs: [Epoch]
    /// The highest test count of any epoch.
    @OrNull package var bestCorrect: Int?
    /// The test count of `best.safetensors`, which the validation split selected.
    @OrNull package var selectedCorrect: Int?
    /// The test count of the last epoch.
    @OrNull package var finalCorrect: Int?
    /// Classes that the last evaluation on the test split never answered with.
    @OrNull package var neverPredicted: [Int]?
    package var steps: Int
    /// Of the steps; evaluation excluded, as in the two rates.
    @OrNull package var seconds: Double?
    @OrNull package var stepsPerSecond: Double?
    @OrNull package var samplesPerSecond: Double?
    package var weightsSHA256: String
    package var bitwiseReproducible: Bool
    package var workersLost: Int
    package var workersJoined: Int
    /// Shards handed to another worker because theirs was lost.
    package var shardsReassigned: Int
    /// Dead workers of this host that were replaced; null in summaries of older versions, as the next three are.
    @OrNull package var restarts: Int?
    /// Nodes and blocks of slow workers that an idle one was given too.
    @OrNull package var duplicates: Int?
    @OrNull package var stepsAudited: Int?
    /// Workers that an audit has shown to compute other bits.
    @OrNull package var quarantined: Int?
    /// The longest time between two finished steps of an epoch, in milliseconds.
    @OrNull package var maxStepGapMilliseconds: Double?
    /// Gradients and weights that travelled as bytes in messages.
    package var inlinePayloadBytes: UInt64
    /// The most memory that the process ever held.
    @OrNull package var peakMemoryBytes: UInt64?

    enum CodingKeys: String, CodingKey {
        case name, status, workers, shards, kernel, seed, parameters, data, epochs, steps, seconds
        case programVersion = "program_version"
        case activeWorkers = "active_workers"
        case dataSHA256 = "data_sha256"
        case bestCorrect = "best_correct"
        case selectedCorrect = "selected_correct"
        case finalCorrect = "final_correct"
        case neverPredicted = "never_predicted"
        case stepsPerSecond = "steps_per_second"
        case samplesPerSecond = "samples_per_second"
        case weightsSHA256 = "weights_sha256"
        case bitwiseReproducible = "bitwise_reproducible"
        case workersLost = "workers_lost"
        case workersJoined = "workers_joined"
        case shardsReassigned = "shards_reassigned"
        case restarts, duplicates, quarantined
        case stepsAudited = "steps_audited"
        case maxStepGapMilliseconds = "max_step_gap_ms"
        case inlinePayloadBytes = "inline_payload_bytes"
        case peakMemoryBytes = "peak_memory_bytes"
    }
}

extension RunSummary {
    /// Sums up a run that has ended.
    package init(run: RunDescription, outcome: RunOutcome, programVersion: String, peakMemoryBytes: UInt64?) {
        let membership = outcome.membership
        let evaluated = outcome.epochs.compactMap(\.test)
        self.init(
            name: run.configuration.name, status: outcome.interrupted ? .interrupted : .finished,
            programVersion: programVersion, workers: run.workers,
            activeWorkers: outcome.epochs.last?.workers ?? run.workers, shards: run.shards, kernel: run.kernel,
            seed: run.configuration.training.seed, parameters: run.parameterCount, data: run.dataset.name,
            dataSHA256: run.dataset.sha256, epochs: outcome.epochs.map(Epoch.init),
            bestCorrect: evaluated.map(\.correct).max(),
            // Each epoch that beat all before it was saved, the last of them stayed.
            selectedCorrect: outcome.epochs.last(where: \.isBest)?.test?.correct,
            finalCorrect: outcome.epochs.last?.test?.correct,
            neverPredicted: evaluated.last.map(\.neverPredicted),
            steps: outcome.steps, seconds: outcome.seconds.ifFinite,
            stepsPerSecond: (Double(outcome.steps) / outcome.seconds).ifFinite,
            samplesPerSecond: (Double(outcome.samples) / outcome.seconds).ifFinite,
            weightsSHA256: outcome.weightsSHA256, bitwiseReproducible: membership.isBitwiseReproducible,
            workersLost: membership.lost, workersJoined: membership.joined,
            shardsReassigned: membership.shardsReassigned, restarts: membership.restarts,
            duplicates: membership.duplicates, stepsAudited: membership.stepsAudited,
            quarantined: membership.quarantined,
            maxStepGapMilliseconds: outcome.maximumStepGapMilliseconds.ifFinite,
            inlinePayloadBytes: membership.inlinePayloadBytes, peakMemoryBytes: peakMemoryBytes)
    }
}

extension RunSummary.Epoch {
    init(_ report: EpochReport) {
        self.init(
            epoch: report.epoch, correct: report.test?.correct, total: report.test?.total,
            cost: report.test?.meanLoss.ifFinite, validationCorrect: report.validation?.correct,
            validationTotal: report.validation?.total, validationCost: report.validation?.meanLoss.ifFinite,
            trainingCost: report.meanTrainingLoss.ifFinite, seconds: report.seconds.ifFinite,
            weightsSHA256: report.weightsSHA256)
    }
}

extension SplitScore {
    /// Classes that were never the answer.
    package var neverPredicted: [Int] {
        predictions.indices.filter { predictions[$0] == 0 }
    }
}

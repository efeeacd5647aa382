import LockstepData
import LockstepNetwork
import LockstepNumerics
import LockstepSharding
import LockstepText
import LockstepTraining

/// Prints a line for each epoch, as the textbook does, with more on its right; on a terminal a progress bar too.
final class EpochPrinter: RunObserver {
    private let console: Console
    /// Whether the run has no workers: this process computes.
    private let isOneProcess: Bool
    /// The names of the classes, once the run has started.
    private var classNames: [String] = []
    /// The answers that samples have; nil: one for each output.
    private var answers: Int?
    /// The variances of the targets, from which R² follows.
    private var variances: [Split: Double] = [:]
    /// The learning rate of the epoch before, if the schedule follows evaluations.
    private var followedRate: Double?
    private var followsEvaluations = false
    private var workersAtStart = 0

    init(_ console: Console, isOneProcess: Bool) {
        self.console = console
        self.isOneProcess = isOneProcess
    }

    func runWillStart(_ run: RunDescription) {
        classNames = run.dataset.classNames
        if let targets = run.configuration.targets {
            let outputs = (try? run.configuration.network.ends().outputs) ?? 1
            let names = targets.answerNames(classes: classNames, outputs: outputs)
            // Numbers beyond the classes are answers that no sample has.
            if case .isClass = targets { classNames = names }
            answers = min(names.count, max(2, classNames.count))
        }
        variances = run.dataset.targetVariances
        workersAtStart = run.workers
        followsEvaluations = run.configuration.schedule.followsValidation
        followedRate = run.resumed?.epochs.last?.learningRate
        console.info(Self.startLine(run, isOneProcess: isOneProcess))
    }

    func runDidProgress(_ progress: StepProgress) {
        console.progress(Self.progressLine(progress))
    }

    func epochDidFinish(_ epoch: EpochReport, parameters: FloatBuffer) {
        if followsEvaluations, let rate = epoch.learningRate {
            if let before = followedRate, before != rate { console.info(Self.line(rate: rate, since: epoch.epoch)) }
            followedRate = rate
        }
        console.result(
            Self.line(
                epoch, isOneProcess: isOneProcess, variances: variances,
                showsWorkers: epoch.workers != workersAtStart))
    }

    func runDidRecover(_ recovery: Recovery) {
        if let progress = recovery.rewoundTo { followedRate = progress.epochs.last?.learningRate }
        console.warning(Self.line(recovery))
    }

    func runDidFinish(_ outcome: RunOutcome, parameters: FloatBuffer) {
        for line in Self.finalLines(outcome, classNames: classNames, answers: answers, variances: variances) {
            console.result(line)
        }
    }
}

// MARK: - Texts

extension EpochPrinter {
    /// The columns of a terminal that an epoch's line must fit into.
    static let lineWidth = 80

    /// The words for who computes: the workers, or one process, which may be a coordinator that needs none of them.
    private static func computing(_ workers: Int, isOneProcess: Bool) -> String {
        isOneProcess || workers == 0 ? "one process" : counted(workers, "worker")
    }

    static func startLine(_ run: RunDescription, isOneProcess: Bool) -> String {
        let network = run.configuration.network.summary
        return "\(run.configuration.name): \(network), \(grouped(run.parameterCount)) parameters; "
            + "\(grouped(run.dataset.trainingCount)) samples of \(run.dataset.name) in "
            + "\(grouped(run.stepsPerEpoch)) steps an epoch; "
            + "\(computing(run.workers, isOneProcess: isOneProcess)), "
            + "\(counted(run.shards, "shard")), kernel \(run.kernel)"
    }

    static func progressLine(_ progress: StepProgress) -> String {
        let width = 30
        let done = width * progress.step / max(1, progress.stepsPerEpoch)
        let bar = String(repeating: "=", count: done) + String(repeating: " ", count: width - done)
        return "Epoch \(progress.epoch) [\(bar)] \(progress.step) / \(progress.stepsPerEpoch)   "
            + "\(grouped(Int(progress.samplesPerSecond)))/s"
    }

    /// `Epoch 0: 9124 / 10000  valid 91.4 %  cost 0.0709  1.31 s  38,167/s  dd4b5e59`
    ///
    /// What does not fit is left out: the workers, then the speed, then the cost.
    ///
    /// - Parameters:
    ///   - epoch: The epoch.
    ///   - isOneProcess: Whether the run has no workers.
    ///   - variances: The variances of the targets, from which R² follows.
    ///   - showsWorkers: Whether the workers are left out after the speed, because their number has changed.
    /// - Returns: The line.
    static func line(
        _ epoch: EpochReport, isOneProcess: Bool = false, variances: [Split: Double] = [:], showsWorkers: Bool = false
    ) -> String {
        let start = "Epoch \(epoch.epoch): "
        let score = epoch.test.map { count($0, variances[.test]) }
        let validation = epoch.validation.map { "valid " + share($0, variances[.validation]) }
        let cost =
            epoch.test.map { "cost \(decimal($0.meanLoss, 4))" }
            ?? "training cost \(decimal(epoch.meanTrainingLoss, 4))"
        let speed = grouped(Int(Double(epoch.samples) / max(epoch.seconds, 1e-9)))
        let workers = computing(epoch.workers, isOneProcess: isOneProcess)
        // A column with a higher rank is left out before one with a lower rank; 0: never.
        let columns: [(text: String?, rank: Int)] = [
            (score, 0), (validation, 0), (cost, 1), ("\(decimal(epoch.seconds, 2)) s", 0),
            ("\(speed)/s", showsWorkers ? 3 : 2), (workers, showsWorkers ? 2 : 3),
            (String(epoch.weightsSHA256.prefix(8)), 0),
        ]
        // Long numbers move the columns closer together, before one is left out.
        for limit in [3, 2, 1, 0] {
            let texts = columns.filter { $0.rank <= limit }.compactMap(\.text)
            for separator in ["   ", "  "] {
                let line = start + texts.joined(separator: separator)
                if line.count <= lineWidth { return line }
            }
        }
        return start + columns.filter { $0.rank == 0 }.compactMap(\.text).joined(separator: " ")
    }

    /// The part of the samples that is right, or R².
    private static func share(_ score: SplitScore, _ variance: Double?) -> String {
        guard let correct = score.correct else { return count(score, variance) }
        return percentage(Double(correct), of: Double(score.total), digits: 1)
    }

    static func line(rate: Double, since epoch: Int) -> String {
        "Learning rate \(significant(rate)) from epoch \(epoch) on: the validation samples had shown no improvement"
    }

    /// Classes that a line names; more are counted.
    private static let classesListed = 10

    /// What was found, and where the run goes on.
    static func line(_ recovery: Recovery) -> String {
        guard let progress = recovery.rewoundTo else { return "\(recovery.reason); the step is repeated" }
        let place = progress.step == 0 ? "from its beginning" : "from step \(progress.step) of its newest checkpoint"
        return "\(recovery.reason); the run is repeated \(place)"
    }

    /// The lines at a run's end. Outputs beyond the named classes are called by their numbers.
    static func finalLines(
        _ outcome: RunOutcome, classNames: [String] = [], answers: Int? = nil, variances: [Split: Double] = [:]
    ) -> [String] {
        var lines = earlyStoppingLines(outcome) + bestLines(outcome, variances)
        if let last = outcome.epochs.last?.test, last.correct != nil {
            let missing = last.predictions.indices.prefix(answers ?? .max).filter { last.predictions[$0] == 0 }
            if !missing.isEmpty {
                let names = missing.prefix(classesListed).map { $0 < classNames.count ? classNames[$0] : "\($0)" }
                    .joined(separator: ", ")
                let more = missing.count - classesListed
                lines.append(
                    "Never predicted: \(names)\(more > 0 ? " and \(grouped(more)) more" : "") "
                        + "(these outputs are saturated near 0)")
            }
        }
        return lines + membershipLines(outcome.membership) + ["Weights: \(outcome.weightsSHA256)"]
    }

    private static func earlyStoppingLines(_ outcome: RunOutcome) -> [String] {
        guard let evaluations = outcome.earlyStoppingPlateau, let last = outcome.epochs.last else { return [] }
        let learnsNumbers = last.validation.map { $0.correct == nil } ?? false
        let better = learnsNumbers ? "a lower validation cost" : "more validation samples right"
        return ["Stopped early: \(counted(evaluations, "evaluation")) without \(better), up to epoch \(last.epoch)"]
    }

    /// Which epochs were the best, and the files in the run directory that have their weights.
    private static func bestLines(_ outcome: RunOutcome, _ variances: [Split: Double]) -> [String] {
        guard let best = outcome.bestEpoch, let test = best.test else { return [] }
        let (selected, final) = (outcome.selectedEpoch, outcome.finalEpoch)
        var file = "its weights were not kept"
        if best.epoch == final?.epoch { file = "model.safetensors" }
        if best.epoch == selected?.epoch { file = "best.safetensors" }
        guard test.correct != nil else {
            func text(_ score: SplitScore?, _ split: Split) -> String {
                score.map {
                    "\(count($0, variances[split])), cost \(decimal($0.meanLoss, 4)) on the \(split.rawValue) samples"
                } ?? ""
            }
            return ["Best: epoch \(best.epoch) with \(text(test, .test)); \(file)"]
                + (selected.map {
                    [
                        "Selected: epoch \($0.epoch) with \(text($0.validation, .validation)), \(text($0.test, .test)); best.safetensors"
                    ]
                } ?? [])
        }
        var lines = ["Best: epoch \(best.epoch) with \(count(test)) test samples right (\(percent(test))); \(file)"]
        if let selected, let validation = selected.validation {
            lines.append(
                "Selected: epoch \(selected.epoch) with \(count(validation)) validation samples right "
                    + "(\(percent(validation)))"
                    + (selected.test.map { ", \(count($0)) test samples (\(percent($0)))" } ?? "")
                    + "; best.safetensors")
        } else if let final {
            lines.append(
                "Selected: epoch \(final.epoch), the last one, because there are no validation samples; model.safetensors"
            )
        }
        return lines
    }

    /// The right samples among all, or R² where numbers are predicted.
    private static func count(_ score: SplitScore, _ variance: Double? = nil) -> String {
        if let correct = score.correct { return "\(correct) / \(score.total)" }
        return "R² \(score.r2(variance: variance).map { decimal($0, 4) } ?? "-")"
    }

    private static func percent(_ score: SplitScore) -> String {
        percentage(Double(score.correct ?? 0), of: Double(score.total), digits: 2)
    }

    /// What happened to the workers, if anything did.
    private static func membershipLines(_ counts: MembershipCounts) -> [String] {
        var lines: [String] = []
        if counts.shardsReassigned > 0 || counts.lost > 0 {
            let replaced = counts.restarts == 0 ? "" : "; \(counted(counts.restarts, "worker")) replaced"
            lines.append(
                "Lost \(counted(counts.lost, "worker")); \(counted(counts.shardsReassigned, "shard")) reassigned\(replaced)"
            )
        }
        if counts.speculativeItems == 1 {
            lines.append("1 task of a slow worker was also given to an idle one")
        } else if counts.speculativeItems > 1 {
            lines.append("\(grouped(counts.speculativeItems)) tasks of slow workers were also given to idle ones")
        }
        if counts.stepsAudited > 0 {
            lines.append("Audited: \(counted(counts.stepsAudited, "step")); workers found wrong: \(counts.quarantined)")
        } else if counts.quarantined > 0 {
            lines.append("Workers found wrong: \(counts.quarantined)")
        }
        if counts.stepsRepeated > 0 {
            lines.append("Repeated after a fault: \(counted(counts.stepsRepeated, "step"))")
        }
        if !counts.isBitwiseReproducible {
            lines.append("Not bitwise reproducible: workers with different kernels took part")
        }
        return lines
    }
}

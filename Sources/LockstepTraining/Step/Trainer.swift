import LockstepData
import LockstepDigest
package import LockstepModel
import LockstepNumerics
package import LockstepSharding
import LockstepTimeline

/// Runs the epochs: steps, evaluation, reports, checkpoints.
package final class Trainer {
    private let configuration: RunConfiguration
    let schedule: BatchSchedule
    let source: any GradientSource
    let dependencies: Dependencies

    var step: Step
    var parameters: VersionedParameters
    var progress: TrainingProgress
    /// The state that the run was resumed from; nil for a new run.
    let resumed: TrainingState?
    /// The optimizer's state before the first step that is one number each.
    let initialScalars: [String: Double]
    /// The learning rate of each step, which the optimizer uses.
    private let rate: LearningRate
    /// Its first plateau ends the run; nil: none does.
    private var plateaus: PlateauDetector?
    /// The step of the newest state that the run could go back to.
    var lastState: UInt64
    /// The step in which a fault was found last, until it is repeated.
    var doubtful: DoubtfulStep?
    /// When the data set was verified last.
    private var dataReadAt: Instant
    /// Seconds after which the end of an epoch verifies the data set again.
    private static let dataReadInterval = 1.0
    /// How often the run may go back after faults of the memory.
    var rewindLimit = RewindLimit()
    /// What this object has repeated.
    var counts = MembershipCounts()
    /// When this process began the epoch's steps.
    var epochStart: Instant

    /// - Parameters:
    ///   - configuration: The run's configuration, resolved.
    ///   - schedule: How the training split is cut.
    ///   - layout: The network's parameters.
    ///   - parameters: The weights to start from; for a resumed run the weights of the state's step.
    ///   - resumed: The state to continue from, which fits this run; nil for a new run.
    ///   - source: Computes the gradients.
    ///   - dependencies: What the trainer calls while it runs.
    /// - Throws: ``TrainingError/invalidConfiguration(_:)`` for a state of another run.
    package init(
        configuration: RunConfiguration, schedule: BatchSchedule, layout: ParameterLayout,
        parameters: VersionedParameters, resumed: TrainingState? = nil, source: any GradientSource,
        dependencies: Dependencies
    ) throws(TrainingError) {
        self.configuration = configuration
        self.schedule = schedule
        self.source = source
        self.dependencies = dependencies
        self.resumed = resumed
        self.rate = configuration.makeLearningRate(stepsPerEpoch: schedule.stepsPerEpoch)
        let optimizer = configuration.makeOptimizer(for: layout, rate: rate)
        self.initialScalars = optimizer.stateScalars
        self.lastState = parameters.version
        self.step = Step(
            source: source,
            reducer: Reducer(
                layout: layout.chunks, shards: schedule.shards, dataType: configuration.communicationDataType),
            optimizer: optimizer, clipping: configuration.training.clipping,
            threadPool: dependencies.threadPool, timeline: dependencies.timeline)
        self.parameters = parameters
        self.progress = resumed?.progress ?? TrainingProgress()
        self.epochStart = .now
        self.dataReadAt = .now
        if let resumed {
            guard progress.isConsistent(stepsPerEpoch: schedule.stepsPerEpoch), parameters.version == progress.step
            else { throw .invalidConfiguration("a checkpoint of step \(progress.step) in epoch \(progress.epoch)") }
            try step.optimizer.restore(resumed)
        }
        followEvaluations()
        step.isDataIntact = { dependencies.dataCheck?.changedBlocks().isEmpty ?? true }
        step.relyOnMemory(parameters)
        dependencies.checkpoints?.prepare(for: state)
    }

    /// Trains the remaining epochs, or until it is asked to stop.
    package func run() throws -> RunOutcome {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        let outcome = try train()
        // If one observer cannot do its part, the others still do theirs.
        var failure: (any Error)?
        for observer in dependencies.observers {
            do { try observer.runDidFinish(outcome, parameters: model) } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
        // The observers have read the weights: what they wrote is right only if the weights still are.
        do { try step.verifyMemory(parameters) } catch { throw TrainingError.memoryFault(error) }
        return outcome
    }

    /// Runs the remaining steps and epochs, and saves the state after the last.
    private func train() throws -> RunOutcome {
        var isInterrupted = false
        // While the run goes back, the reducer, the weights and the optimizer may belong to different steps.
        var isRecovering = false
        do {
            while true {
                do {
                    guard isInterrupted || isOver else {
                        epochStart = .now
                        isInterrupted = try !(finishSteps() && closeEpoch())
                        if isInterrupted { try verifyMemory(readsData: true) }
                        continue
                    }
                    save(isLast: true)
                    let outcome = outcome(interrupted: isInterrupted)
                    try step.verifyMemory(parameters)
                    return outcome
                } catch let result as NonFiniteResult {
                    isRecovering = true
                    try recover(from: result)
                } catch let fault as MemoryFault {
                    (isInterrupted, isRecovering) = (false, true)
                    try recover(from: fault)
                }
                isRecovering = false
            }
        } catch let error as TrainingError {
            throw error
        } catch {
            if !isRecovering, (try? finishBrokenStep()) != nil { save(isLast: true) }
            throw error
        }
    }

    /// Whether no epoch follows.
    private var isOver: Bool { progress.epoch >= configuration.training.epochs || stopsEarly }

    /// Whether the evaluations so far end the run.
    private var stopsEarly: Bool { plateaus.map { $0.count > 0 } ?? false }

    /// Decides anew, by the evaluations of the progress, what follows from evaluations.
    func followEvaluations() {
        plateaus = configuration.training.earlyStoppingPlateau.map(PlateauDetector.init)
        rate.reset()
        for case let validation? in progress.epochs.map(\.validation) { follow(validation) }
    }

    private func follow(_ validation: SplitScore) {
        plateaus?.add(validation.merit)
        rate.add(validation.merit)
    }

    /// Runs the remaining steps of the epoch; returns false if it was asked to stop before the last.
    private func finishSteps() throws -> Bool {
        let (epoch, stepsPerEpoch) = (progress.epoch, schedule.stepsPerEpoch)
        let end = UInt64(epoch + 1) * UInt64(stepsPerEpoch)
        var meter = ProgressMeter(start: epochStart)
        var lastStep: Instant?
        while parameters.version < end {
            // The optimizer has begun a step that is repeated: there is no consistent state before its end.
            guard doubtful?.isUnderWay == true || !dependencies.shouldStop() else { return false }
            let batch = Batch(step: parameters.version, schedule: schedule)
            let (batchLossSum, isAlone) = try run(batch)
            let now = Instant.now
            record(batch, lossSum: batchLossSum)
            if isAlone {
                try verifyMemory(readsData: true)
                save(isLast: false)
            }
            if let lastStep { progress.longestStepGap = max(progress.longestStepGap, now.seconds(since: lastStep)) }
            lastStep = now
            meter.add(samples: batch.count, lossSum: batchLossSum)
            if let interval = meter.report(at: now) { report(interval, step: batch.index + 1) }
            // At the end of an epoch the evaluation comes first, so that the saved state includes it.
            if parameters.version < end, dependencies.checkpoints?.isDue(at: now) == true {
                try verifyMemory(readsData: true)
                save(isLast: false)
            }
        }
        return true
    }

    /// Runs a step; this process alone computes one in which a fault was found. If the last worker goes, this process
    /// computes the rest of the step: only between two steps the state can be saved.
    ///
    /// - Returns: The step's loss, and whether the state is to be saved because no worker is left.
    private func run(_ batch: Batch) throws -> (lossSum: Double, isAlone: Bool) {
        if let doubtful, doubtful.step == batch.step { return (try runAlone(batch, doubtful), false) }
        do {
            return (try step.run(batch, &parameters), false)
        } catch is WorkersGone {
            return (try completeAlone(batch), true)
        }
    }

    private func runAlone(_ batch: Batch, _ doubtful: DoubtfulStep) throws -> Double {
        let local = LocalGradientSource(try dependencies.makeShardComputer())
        let lossSum =
            doubtful.isUnderWay
            ? try step.repeatStep(batch, &parameters, from: local) : try step.run(batch, &parameters, from: local)
        self.doubtful = nil
        return lossSum
    }

    private func record(_ batch: Batch, lossSum: Double) {
        progress.step = parameters.version
        progress.epochLossSum += lossSum
        progress.samples += batch.count
    }

    /// Ends an epoch: evaluates the network if that is due, and reports.
    ///
    /// - Returns: Whether the epoch has ended; false if the run was asked to stop during the evaluation. The resumed run
    ///   begins with the evaluation then.
    private func closeEpoch() throws -> Bool {
        let (epoch, every) = (progress.epoch, configuration.evaluation.every)
        let seconds = epochSeconds
        let isLast = epoch + 1 == configuration.training.epochs
        try verifyMemory(readsData: isLast || Instant.now.seconds(since: dataReadAt) > Self.dataReadInterval)
        let isEvaluated = every > 0 && ((epoch + 1) % every == 0 || isLast)
        let scores = isEvaluated ? try evaluate() : nil
        guard scores != nil || !isEvaluated else {
            // The evaluation is no part of the epoch's time.
            progress.epochSeconds = seconds
            epochStart = .now
            return false
        }
        if isEvaluated { try verifyMemory(readsData: false) }
        let validation = scores.flatMap { $0.validation.total > 0 ? $0.validation : nil }
        let earlier = progress.epochs.compactMap { $0.validation?.merit }.max()
        let isBest = validation.map { score in earlier.map { score.merit > $0 } ?? !score.merit.isNaN } ?? false
        if isBest { progress.bestValidation = validation?.correct ?? 0 }
        let report = EpochReport(
            epoch: epoch, test: scores?.test, validation: validation, training: scores?.training,
            meanTrainingLoss: progress.epochLossSum / Double(schedule.samples), learningRate: lastRate,
            seconds: seconds, samples: schedule.samples,
            totalSteps: Int(parameters.version), workers: source.workers, weightsSHA256: weightsSHA256, isBest: isBest)
        progress.epochs.append(report)
        if let validation { follow(validation) }
        // The run ends here: no later check would read the data set before the last state is saved.
        if stopsEarly && !isLast { try verifyMemory(readsData: true) }
        progress.seconds += seconds
        progress.epochSeconds = 0
        progress.epochLossSum = 0
        epochStart = .now
        for observer in dependencies.observers {
            try observer.epochDidFinish(report, parameters: model)
        }
        if !isOver, dependencies.checkpoints?.isDue(at: .now) == true {
            try verifyMemory(readsData: true)
            save(isLast: false)
        }
        return true
    }

    /// The scores of the weights that are saved; nil if the run was asked to stop.
    private func evaluate() throws -> (test: SplitScore, validation: SplitScore, training: SplitScore?)? {
        var parts = [EvaluationPart(.test), EvaluationPart(.validation)]
        if configuration.evaluation.training > 0 {
            parts.append(EvaluationPart(.training, samples: configuration.evaluation.training))
        }
        guard let scores = try evaluate(parts) else { return nil }
        return (scores[0], scores[1], scores.count > 2 ? scores[2] : nil)
    }

    private func evaluate(_ parts: [EvaluationPart]) throws -> [SplitScore]? {
        // Evaluate with full-precision weights; with bfloat16 the workers hold rounded ones.
        let average = parameters.version > 0 ? step.optimizer.averagedWeights : nil
        let weights = average ?? (configuration.communicationDataType.roundsToBFloat16 ? parameters.current : nil)
        let evaluated = weights.map { parameters.replaced(by: $0) } ?? parameters
        while true {
            do {
                return try source.evaluate(parts, parameters: evaluated, shouldStop: dependencies.shouldStop)
            } catch is WorkersGone {
                try verifyMemory(readsData: true)
                save(isLast: false)
            }
        }
    }

    /// The weights that are evaluated, hashed and saved: their moving average, if the optimizer keeps one.
    private var model: FloatBuffer {
        parameters.version > 0 ? step.optimizer.averagedWeights ?? parameters.current : parameters.current
    }

    // MARK: - Reports

    private func report(_ interval: ProgressMeter.Interval, step: Int) {
        let progress = StepProgress(
            epoch: progress.epoch, step: step, stepsPerEpoch: schedule.stepsPerEpoch,
            totalSteps: Int(parameters.version), meanTrainingLoss: interval.lossSum / Double(interval.samples),
            learningRate: lastRate, samplesPerSecond: Double(interval.samples) / interval.seconds,
            workers: source.workers)
        for observer in dependencies.observers { observer.runDidProgress(progress) }
    }

    /// η of the last step; nil before the first.
    private var lastRate: Double? {
        parameters.version > 0 ? rate.value(at: parameters.version - 1) : nil
    }

    private func outcome(interrupted: Bool) -> RunOutcome {
        RunOutcome(
            epochs: progress.epochs, steps: Int(parameters.version), seconds: progress.seconds + epochSeconds,
            samples: progress.samples, weightsSHA256: weightsSHA256, membership: membership,
            maximumStepGapMilliseconds: progress.longestStepGap * 1_000, interrupted: interrupted,
            earlyStoppingPlateau: stopsEarly && progress.epoch < configuration.training.epochs
                ? plateaus?.minimumLength : nil)
    }

    /// What happened to the workers, also before the run was resumed.
    private var membership: MembershipCounts {
        (resumed?.progress.membership ?? MembershipCounts()) + source.membership + counts
    }

    /// Seconds that the steps of the current epoch have taken, in this process and in those before it.
    var epochSeconds: Double {
        let isUnderWay = parameters.version > UInt64(progress.epoch) * UInt64(schedule.stepsPerEpoch)
        return isUnderWay ? progress.epochSeconds + Instant.now.seconds(since: epochStart) : 0
    }

    /// SHA-256 of the model: all parameters, layer by layer, weights (row-major, [out, in]) then biases, little-endian
    /// float32.
    private var weightsSHA256: String {
        SHA256.hash(UnsafeRawBufferPointer(model.buffer)).hex
    }

    // MARK: - Checkpoints

    /// Finishes the step under way, if there is one, without the workers, so that the state can be saved.
    private func finishBrokenStep() throws {
        if step.reducer.isUnderWay {
            let batch = Batch(step: parameters.version, schedule: schedule)
            record(batch, lossSum: try completeAlone(batch))
        }
        do {
            try verifyMemory(readsData: true)
        } catch let fault as MemoryFault {
            throw fault
        } catch {
            // The source has failed, so the workers cannot be asked any more.
        }
    }

    /// Computes in this process what the workers left undone of a step.
    ///
    /// The optimizer's state, unlike the weights, has one version: once a step has begun, there is no consistent state
    /// before it ends.
    private func completeAlone(_ batch: Batch) throws -> Double {
        let local = LocalGradientSource(try dependencies.makeShardComputer())
        return try step.complete(batch, &parameters, from: local)
    }

    /// Compares all that the run depends on in memory with what was written there.
    ///
    /// - Parameter readsData: Whether the data set is read too, here and by the workers with copies of their own. That takes
    ///   milliseconds.
    /// - Throws: The ``MemoryFault``, or why the run ends.
    private func verifyMemory(readsData: Bool) throws {
        try step.verifyMemory(parameters)
        guard readsData else { return }
        dataReadAt = .now
        guard dependencies.dataCheck?.changedBlocks().isEmpty ?? true else {
            throw MemoryFault(.dataset, step: parameters.version)
        }
        try source.verifyData(step: parameters.version)
    }

    private func save(isLast: Bool) {
        if dependencies.checkpoints != nil { lastState = parameters.version }
        dependencies.checkpoints?.save(state, isLast: isLast)
    }

    /// The state of the run between two steps.
    private var state: TrainingState {
        var state = TrainingState(
            progress: progress, parameters: parameters.current, optimizer: step.optimizer.stateBuffers)
        state.sums = step.memorySums
        state.progress.epochSeconds = epochSeconds
        state.progress.membership = membership
        state.progress.optimizerScalars = step.optimizer.stateScalars
        return state
    }
}

extension Optimizer {
    /// Copies the optimizer's state from a checkpoint.
    func restore(_ state: TrainingState) throws(TrainingError) {
        for (name, buffer) in stateBuffers {
            guard let saved = state.optimizer.first(where: { $0.name == name }), saved.buffer.count == buffer.count
            else {
                throw .invalidConfiguration("the checkpoint lacks the optimizer's '\(name)'")
            }
            buffer.pointer.update(from: saved.buffer.pointer, count: buffer.count)
        }
        stateScalars = state.progress.optimizerScalars
    }
}

import LockstepData
import LockstepDigest
package import LockstepNetwork
import LockstepNumerics
package import LockstepSharding

/// Runs the epochs: steps, evaluation, reports.
package final class Trainer {
    private let configuration: RunConfiguration
    private let schedule: BatchSchedule
    private let source: any GradientSource
    private let observers: [any RunObserver]
    private let step: Step
    private let shouldStop: () -> Bool
    private let clock = ContinuousClock()

    private var parameters: VersionedParameters
    private var epochs: [EpochReport] = []
    private var seconds = 0.0
    private var samples = 0
    private var longestGap = 0.0
    private var bestValidation: Int?

    /// - Parameters:
    ///   - configuration: The run's, resolved.
    ///   - schedule: How the training split is cut.
    ///   - layout: The network's parameters.
    ///   - parameters: The initial weights.
    ///   - source: Whoever computes.
    ///   - observers: Told in this order.
    ///   - shouldStop: Asked between steps; true ends the run early.
    package init(
        configuration: RunConfiguration, schedule: BatchSchedule, layout: ParameterLayout,
        parameters: VersionedParameters, source: any GradientSource, observers: [any RunObserver],
        shouldStop: @escaping () -> Bool
    ) {
        self.configuration = configuration
        self.schedule = schedule
        self.source = source
        self.observers = observers
        self.step = Step(
            source: source, reducer: Reducer(layout: layout.chunks, shards: schedule.shards),
            optimizer: configuration.makeOptimizer(for: layout, stepsPerEpoch: schedule.stepsPerEpoch))
        self.shouldStop = shouldStop
        self.parameters = parameters
    }

    /// Trains all epochs, or up to the step at which it is asked to stop.
    package func run() throws -> RunOutcome {
        var isInterrupted = false
        for epoch in 0..<configuration.training.epochs {
            guard let report = try train(epoch) else {
                isInterrupted = true
                break
            }
            epochs.append(report)
            for observer in observers { try observer.epochDidFinish(report, parameters: parameters.current) }
        }
        let outcome = outcome(interrupted: isInterrupted)
        for observer in observers { try observer.runDidFinish(outcome, parameters: parameters.current) }
        return outcome
    }

    /// One pass over the training split; nil if it was stopped on the way.
    private func train(_ epoch: Int) throws -> EpochReport? {
        let start = clock.now
        var progress = ProgressMeter(start: start)
        var lastStep: ContinuousClock.Instant?
        var loss = 0.0
        for index in 0..<schedule.stepsPerEpoch {
            guard !shouldStop() else {
                seconds += (clock.now - start).seconds
                return nil
            }
            let batch = Batch(step: parameters.version, schedule: schedule)
            let batchLoss = try step.run(batch, &parameters)
            let now = clock.now
            loss += batchLoss
            samples += batch.count
            if let lastStep { longestGap = max(longestGap, (now - lastStep).seconds) }
            lastStep = now
            progress.add(samples: batch.count, loss: batchLoss)
            if let interval = progress.report(at: now) {
                report(interval, epoch: epoch, step: index + 1)
            }
        }
        let epochSeconds = (clock.now - start).seconds
        seconds += epochSeconds
        return try report(epoch, loss: loss, seconds: epochSeconds)
    }

    /// Evaluates the network, if it is time to, and sums the epoch up.
    private func report(_ epoch: Int, loss: Double, seconds: Double) throws -> EpochReport {
        let every = configuration.evaluation.every
        let isEvaluated = every > 0 && ((epoch + 1) % every == 0 || epoch + 1 == configuration.training.epochs)
        let scores = isEvaluated ? try source.evaluate([.test, .validation], parameters: parameters) : []
        let validation = scores.last.flatMap { $0.total > 0 ? $0 : nil }
        let isBest = validation.map { $0.correct > bestValidation ?? -1 } ?? false
        if isBest { bestValidation = validation?.correct }
        return EpochReport(
            epoch: epoch, test: scores.first, validation: validation, trainingCost: loss / Double(schedule.samples),
            seconds: seconds, samples: schedule.samples, totalSteps: Int(parameters.version),
            workers: source.workers, weightsSHA256: weightsSHA256, isBest: isBest)
    }

    private func report(_ interval: ProgressMeter.Interval, epoch: Int, step: Int) {
        let progress = StepProgress(
            epoch: epoch, step: step, stepsPerEpoch: schedule.stepsPerEpoch, totalSteps: Int(parameters.version),
            trainingCost: interval.loss / Double(interval.samples),
            samplesPerSecond: Double(interval.samples) / interval.seconds, workers: source.workers)
        for observer in observers { observer.runDidProgress(progress) }
    }

    private func outcome(interrupted: Bool) -> RunOutcome {
        let membership = source.membership
        return RunOutcome(
            epochs: epochs, steps: Int(parameters.version), seconds: seconds, samples: samples,
            weightsSHA256: weightsSHA256, bitwiseReproducible: membership.isBitwiseReproducible,
            workersLost: membership.lost, workersJoined: membership.joined,
            shardsReassigned: membership.shardsReassigned, maximumStepGapMilliseconds: longestGap * 1_000,
            inlinePayloadBytes: membership.inlinePayloadBytes, interrupted: interrupted)
    }

    /// SHA-256 of all parameters: layer by layer, weights (row-major, [out, in]) then biases, little-endian float32.
    private var weightsSHA256: String {
        SHA256.hash(UnsafeRawBufferPointer(parameters.current.buffer)).hex
    }
}

extension Duration {
    /// The duration in seconds, as a floating-point number.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}

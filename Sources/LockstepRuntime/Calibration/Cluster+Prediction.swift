package import LockstepCostModel
import LockstepSharding
package import LockstepSystem
import LockstepTimeline
import LockstepTraining

/// Predicts the duration of steps before the first one.
extension Cluster {
    /// The longest calibration before a run, in seconds.
    package static let calibrationSeconds = 0.05
    /// The most round trips of small messages that are timed.
    private static let maximumRoundTrips = 20

    /// Measures this process's arithmetic and how busy the machine is, unless that has been done. A caller that starts
    /// workers on this host calls it before that, so that they do not compete with the measurement.
    ///
    /// - Parameter use: Counts what other programs use; a longer time is counted more exactly.
    /// - Returns: What was measured, now or before.
    /// - Throws: An error if this configuration cannot be run.
    @discardableResult
    package func calibrate(_ use: ProcessorUse = ProcessorUse()) throws -> Calibration.Result {
        if let calibration = findings.calibration { return calibration }
        let calibration = try Calibration(run: run, within: Self.calibrationSeconds, use: use).measure()
        findings.calibration = calibration
        findings.use = use
        return calibration
    }

    /// Adds the round trip of a message to all present workers to what was calibrated, and predicts the run's steps.
    ///
    /// - Parameter source: A source whose workers are present and idle.
    /// - Returns: The cost model, and its prediction.
    /// - Throws: The error that ends the run.
    func predict(with source: ClusterGradientSource) throws -> (model: CostModel, prediction: StepPrediction) {
        var calibration = try calibrate()
        // Discards what the workers have recorded before, and wakes them.
        _ = try source.collectTimelines()
        var roundTrips: [Double] = []
        let end = Instant.now.advanced(bySeconds: Self.calibrationSeconds / 2)
        while roundTrips.count < Self.maximumRoundTrips, Instant.now < end || roundTrips.isEmpty {
            let start = Instant.now
            try source.exchangeMessages()
            roundTrips.append(Instant.now.seconds(since: start))
        }
        calibration.model.messages.fixed = roundTrips.sorted()[roundTrips.count / 2]
        // At least 1: the last worker may have been lost meanwhile. Workers that were started by hand may run on other
        // hosts, and while they start on this one they look like other programs: then only this process's core counts.
        let prediction = calibration.model.prediction(
            batch: run.schedule.batch, shards: run.schedule.shards, workers: max(1, source.membersPresent),
            limit: run.schedule.samples, load: calibration.load, computing: localWorkers == nil ? 1 : nil)
        findings.prediction = prediction
        return (calibration.model, prediction)
    }

    /// What other programs have used of this machine since the calibration; nil if it is unknown, or if workers were
    /// started by hand, because they look like other programs. Called once the local workers have ended.
    package var loadSinceCalibration: MachineLoad? {
        guard localWorkers != nil, let use = findings.use, let others = use.byOthers else { return nil }
        return MachineLoad(usedByOthers: others, cores: Host.allowedCoreCount)
    }
}

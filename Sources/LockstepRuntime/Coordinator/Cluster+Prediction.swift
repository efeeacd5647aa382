import LockstepCostModel
import LockstepSharding
import LockstepTimeline

/// What a step will take, known before the first one.
extension Cluster {
    /// Seconds that the calibration before a run may take.
    static let calibrationSeconds = 0.05
    /// Rounds of small messages that are timed.
    private static let rounds = 20

    /// Measures this process's own arithmetic and a round of messages with the workers that are there.
    ///
    /// - Parameter source: Has gathered its workers, which are idle.
    /// - Returns: The figures of the cost model.
    /// - Throws: Whatever ends the run.
    func predict(with source: ClusterGradientSource) throws -> CostModel {
        var model = try run.calibrated(within: Self.calibrationSeconds)
        var rounds: [UInt64] = []
        let end = Timeline.now + UInt64(Self.calibrationSeconds / 2 * 1e9)
        while rounds.count < Self.rounds, Timeline.now < end || rounds.isEmpty {
            let start = Timeline.now
            _ = try source.collectTimelines()
            rounds.append(Timeline.now - start)
        }
        model.messages.fixed = Double(rounds.sorted()[rounds.count / 2]) * 1e-9
        return model
    }
}

extension CostModel {
    /// Seconds of a full mini-batch's step with 0, 1, ... workers; 0: the coordinator computes alone.
    func steps(of schedule: BatchSchedule, workers: Int) -> [Double] {
        let alone = single(batch: schedule.batch, shards: schedule.shards).total
        guard workers > 0 else { return [alone] }
        return [alone]
            + (1...workers).map { distributed(batch: schedule.batch, shards: schedule.shards, workers: $0).total }
    }
}

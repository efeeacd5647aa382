import LockstepCostModel
import LockstepTimeline

/// Predicts the duration of steps before the first one.
extension Cluster {
    /// The longest calibration before a run, in seconds.
    static let calibrationSeconds = 0.05
    /// The most round trips of small messages that are timed.
    private static let maximumRoundTrips = 20

    /// Measures this process's arithmetic and the round trip of a message to all present workers.
    ///
    /// - Parameter source: A source whose workers are present and idle.
    /// - Returns: The cost model with the measured parameters.
    /// - Throws: The error that ends the run.
    func predict(with source: ClusterGradientSource) throws -> CostModel {
        var model = try Calibration(run: run, within: Self.calibrationSeconds).model()
        var roundTrips: [Double] = []
        let end = Instant.now.advanced(bySeconds: Self.calibrationSeconds / 2)
        while roundTrips.count < Self.maximumRoundTrips, Instant.now < end || roundTrips.isEmpty {
            let start = Instant.now
            _ = try source.collectTimelines()
            roundTrips.append(Instant.now.seconds(since: start))
        }
        model.messages.fixed = roundTrips.sorted()[roundTrips.count / 2]
        return model
    }
}

import LockstepTraining

/// The progress of a run over its steps, thinned out so that it never has more than a few hundred points.
struct ProgressSeries: Codable, Hashable, Sendable {
    struct Point: Codable, Hashable, Sendable {
        /// Steps since the run began.
        var step: Int
        var samplesPerSecond: Double
        var workers: Double
        var learningRate: Double?
        var trainingCost: Double
    }

    private(set) var points: [Point] = []
    /// Reports that become one point.
    private var stride = 1
    private var pending: [Point] = []

    private static let limit = 400

    /// Adds a report; one whose numbers are not finite is left out.
    mutating func add(_ progress: StepProgress) {
        guard progress.samplesPerSecond.isFinite, progress.meanTrainingLoss.isFinite else { return }
        pending.append(
            Point(
                step: progress.totalSteps, samplesPerSecond: progress.samplesPerSecond,
                workers: Double(progress.workers),
                learningRate: progress.learningRate.flatMap { $0.isFinite ? $0 : nil },
                trainingCost: progress.meanTrainingLoss))
        guard pending.count >= stride else { return }
        points.append(Self.mean(pending))
        pending.removeAll(keepingCapacity: true)
        guard points.count >= 2 * Self.limit else { return }
        points = Swift.stride(from: 0, to: points.count - 1, by: 2).map { Self.mean(Array(points[$0...$0 + 1])) }
        stride *= 2
    }

    /// Removes the points of later steps, which the run repeats.
    mutating func rewind(to step: Int) {
        points.removeAll { $0.step > step }
        pending.removeAll { $0.step > step }
    }

    private static func mean(_ points: [Point]) -> Point {
        func mean(_ value: (Point) -> Double) -> Double { points.reduce(0) { $0 + value($1) } / Double(points.count) }
        var point = points[points.count - 1]
        point.samplesPerSecond = mean(\.samplesPerSecond)
        point.workers = mean(\.workers)
        point.trainingCost = mean(\.trainingCost)
        return point
    }
}

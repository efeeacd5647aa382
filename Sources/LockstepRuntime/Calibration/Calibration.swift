package import LockstepCostModel
import LockstepModel
import LockstepNumerics
import LockstepSharding
import LockstepSystem
import LockstepTimeline
package import LockstepTraining

/// Measures the parameters of the cost model with short trials of the run's own arithmetic on this host.
package struct Calibration {
    private let run: TrainingRun
    private let computer: ShardComputer
    /// The longest time of all trials together, in seconds.
    private let budget: Double

    /// - Parameters:
    ///   - run: The run to measure.
    ///   - budget: The longest time of all trials together, in seconds; the smallest trials take place in any case.
    /// - Throws: An error if this configuration cannot be run.
    package init(run: TrainingRun, within budget: Double) throws {
        self.run = run
        self.computer = try run.makeShardComputer()
        self.budget = budget
    }

    /// The model with the costs that this process can measure alone. Messages cost nothing in it.
    package func model() throws -> CostModel {
        let weights = FloatBuffer(count: run.layout.count)
        run.model.initialize(seed: run.configuration.training.seed, into: weights)
        try computer.prepare(rows: Set(sizes))
        let gradient = FloatBuffer(count: run.layout.count)
        let sum = FloatBuffer(count: run.layout.count)
        let first = run.layout.segments.first?.range.count ?? 0
        return CostModel(
            compute: computeLine(weights, gradient),
            addition: least(within: budget / 8) {
                add(gradient.pointer, weights.pointer, into: sum.pointer, count: sum.count)
            },
            update: least(within: budget / 8) {
                _ = descend(
                    from: weights.pointer, along: gradient.pointer, scale: 0.5, into: sum.pointer, count: sum.count)
            },
            messages: CostModel.Line(fixed: 0, each: 0),
            parameterBytes: run.layout.count * run.configuration.communicationDataType.elementSize,
            lastSegmentShare: Double(first) / Double(max(1, run.layout.count)), cores: Host.coreCount)
    }

    /// Times blocks of samples, the smallest first, until the budget is used up, and fits a line.
    private func computeLine(_ weights: FloatBuffer, _ gradient: FloatBuffer) -> CostModel.Line {
        var points: [(count: Double, seconds: Double)] = []
        let deadline = Instant.now.advanced(bySeconds: budget * 0.75)
        for rows in sizes {
            // Each block is timed at least twice, because the first time warms the caches.
            let expected = points.last.map { 2 * $0.seconds * Double(rows) / $0.count } ?? 0
            if !points.isEmpty, Instant.now.advanced(bySeconds: expected) > deadline { break }
            var best = Double.infinity
            for _ in 0..<max(2, min(20, Int(0.002 / max(1e-6, expected)))) {
                best = min(
                    best, computer.timeGradient(rows: rows, weights: weights.pointer, into: gradient.pointer))
            }
            points.append((Double(rows), best))
        }
        return CostModel.line(through: points)
    }

    /// The numbers of rows of the timed blocks: the mini-batch divided by 32, doubled each time, and the largest block.
    var sizes: [Int] {
        let maximum = min(run.model.blockRows, run.schedule.samples)
        var rows = max(1, min(run.schedule.batch, maximum) / 32)
        var sizes: [Int] = []
        while rows < maximum {
            sizes.append(rows)
            rows *= 2
        }
        return sizes + [maximum]
    }

    /// Runs `body` repeatedly for this time, at least once, and returns the shortest duration in seconds.
    private func least(within seconds: Double, _ body: () -> Void) -> Double {
        let end = Instant.now.advanced(bySeconds: seconds)
        var best = Double.infinity
        repeat {
            let start = Instant.now
            body()
            best = min(best, Instant.now.seconds(since: start))
        } while Instant.now < end
        return best
    }
}

import LockstepCostModel
import LockstepNetwork
import LockstepNumerics
import LockstepSharding
import LockstepSystem
import LockstepTimeline
import LockstepTraining

/// Finds the figures of the cost model by short trials of the run's own arithmetic on this machine.
struct Calibration {
    let run: PreparedRun
    let computer: ShardComputer
    /// Seconds that the trials may take together.
    let budget: Double

    /// A model of what this process can measure alone; messages cost nothing in it yet.
    func model() throws -> CostModel {
        let weights = FloatBuffer(count: run.layout.count)
        try initialize(run.configuration.network, seed: run.configuration.training.seed, into: weights)
        let gradient = FloatBuffer(count: run.layout.count)
        let sum = FloatBuffer(count: run.layout.count)
        let first = run.layout.layers.first?.segment.count ?? 0
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

    /// Times blocks of growing size, as many sizes as the budget allows: small blocks first, for they cost least.
    private func computeLine(_ weights: FloatBuffer, _ gradient: FloatBuffer) -> CostModel.Line {
        var points: [(count: Double, seconds: Double)] = []
        let deadline = Timeline.now + UInt64(budget * 0.75e9)
        for rows in sizes {
            // A block is timed twice at least, the first time warming the caches.
            let expected = points.last.map { 2 * $0.seconds * Double(rows) / $0.count } ?? 0
            if !points.isEmpty, Timeline.now + UInt64(expected * 1e9) > deadline { break }
            var best = UInt64.max
            for _ in 0..<max(2, min(20, Int(0.002 / max(1e-6, expected)))) {
                best = min(
                    best,
                    computer.timeGradient(
                        rows: rows, weights: weights.pointer, into: gradient.pointer, clock: { Timeline.now }))
            }
            points.append((Double(rows), Double(best) * 1e-9))
        }
        return CostModel.line(through: points)
    }

    /// Rows of the blocks that are timed: the mini-batch cut in up to 32, and larger ones.
    private var sizes: [Int] {
        let most = min(BlockPartition.trainingRows, run.schedule.samples)
        var rows = max(1, min(run.schedule.batch, most) / 32)
        var sizes: [Int] = []
        while rows < most {
            sizes.append(rows)
            rows *= 2
        }
        return sizes + [most]
    }

    /// The shortest of several goes, in seconds.
    private func least(within seconds: Double, _ body: () -> Void) -> Double {
        let end = Timeline.now + UInt64(seconds * 1e9)
        var best = UInt64.max
        repeat {
            let start = Timeline.now
            body()
            best = min(best, Timeline.now - start)
        } while Timeline.now < end
        return Double(best) * 1e-9
    }
}

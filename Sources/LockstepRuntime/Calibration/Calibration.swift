package import LockstepCostModel
import LockstepData
import LockstepModel
import LockstepNumerics
import LockstepSharding
package import LockstepSystem
import LockstepTimeline
package import LockstepTraining

/// Measures the parameters of the cost model with short trials of the run's own arithmetic on this host.
///
/// The trials take place before any worker starts: nothing of the run's own competes with them.
package struct Calibration {
    /// What was measured.
    package struct Result {
        /// The costs that a process can measure alone. Messages cost nothing in it.
        package var model: CostModel
        /// What other programs used of this machine meanwhile.
        package var load: MachineLoad
    }

    private let run: TrainingRun
    private let computer: ShardComputer
    private let use: ProcessorUse
    /// The longest time of all trials together, in seconds.
    private let budget: Double

    /// - Parameters:
    ///   - run: The run to measure.
    ///   - budget: The longest time of all trials together, in seconds; the smallest trials take place in any case.
    ///   - use: Counts what other programs use, from a moment since which this process has started no other one.
    /// - Throws: An error if this configuration cannot be run.
    package init(run: TrainingRun, within budget: Double, use: ProcessorUse = ProcessorUse()) throws {
        self.run = run
        self.computer = try run.makeShardComputer()
        self.budget = budget
        self.use = use
    }

    /// Measures the costs of a step, and how busy the machine is.
    package func measure() throws -> Result {
        let weights = initialWeights()
        try computer.prepare(rows: Set(sizes + stepSizes))
        let gradient = FloatBuffer(count: run.layout.count)
        let sum = FloatBuffer(count: run.layout.count)
        let first = run.layout.segments.first?.range.count ?? 0
        var attention = ThreadAttention()
        var model = CostModel(
            compute: computeLine(weights, gradient, &attention),
            addition: least(within: budget / 8, &attention) {
                add(gradient.pointer, weights.pointer, into: sum.pointer, count: sum.count)
            },
            update: updateSeconds(weights, gradient, into: sum, &attention),
            messages: CostModel.Line(fixed: 0, each: 0),
            parameterBytes: run.layout.count * run.configuration.communicationDataType.elementSize,
            lastSegmentShare: Double(first) / Double(max(1, run.layout.count)), cores: Host.coreCount)
        let load = MachineLoad(
            usedByOthers: use.byOthers, threadShare: attention.share, cores: Host.allowedCoreCount)
        try measureSharedSteps(weights, &model)
        return Result(model: model, load: load)
    }

    /// Measures what computing and adding up take longer where two cores share a step.
    private func measureSharedSteps(_ weights: FloatBuffer, _ model: inout CostModel) throws {
        let rows = min(run.model.blockRows, run.schedule.batch / 2)
        guard Host.coreCount > 1, run.schedule.shards > 1, rows > 0 else { return }
        let optimizer = makeOptimizer()
        let trial = try SharedStepTrial(run, rows: rows, weights: weights)
        let times = trial.measure(within: budget / 2) { weights, sum, next in
            optimizer.beginStep(0, samples: run.schedule.batch)
            _ = optimizer.update(0..<run.layout.count, from: weights, sum: sum, into: next)
        }
        guard let times else { return }
        model.contention = times.compute / max(1e-9, model.compute(Double(rows)))
        model.fetch = max(0, times.reduce - model.addition - model.update) / 2
    }

    /// Measures how long the model takes for one sample of an evaluation, in seconds; 0 without samples to evaluate.
    package func evaluationSecondsPerSample() throws -> Double {
        let evaluator = computer.evaluator
        guard let split = [Split.test, .validation].first(where: { evaluator.blocks(of: $0).count > 0 }) else {
            return 0
        }
        let weights = initialWeights()
        try computer.prepare(rows: evaluator.blockSizes(of: split))
        var attention = ThreadAttention()
        let samples = evaluator.blocks(of: split)[0].count
        let seconds = least(within: budget / 4, &attention) {
            _ = evaluator.score(of: split, block: 0, weights: weights.pointer)
        }
        return seconds / Double(max(1, samples))
    }

    private func initialWeights() -> FloatBuffer {
        let weights = FloatBuffer(count: run.layout.count)
        run.model.initialize(seed: run.configuration.training.seed, into: weights)
        return weights
    }

    /// Times blocks of samples until the budget is used up, and fits a line.
    ///
    /// The smallest block comes first, because it says what the others will take, and then the blocks that the run's steps have,
    /// because products of few rows are slower for each row. These may take longer than the budget.
    private func computeLine(
        _ weights: FloatBuffer, _ gradient: FloatBuffer, _ attention: inout ThreadAttention
    ) -> CostModel.Line {
        var points: [(count: Double, seconds: Double)] = []
        var perRow = 0.0
        let start = Instant.now
        func time(_ rows: Int, within limit: Double, _ attention: inout ThreadAttention) {
            // Each block is timed at least twice, because the first time warms the caches.
            let expected = perRow * Double(rows)
            let deadline = start.advanced(bySeconds: limit)
            if !points.isEmpty, Instant.now.advanced(bySeconds: 2 * expected) > deadline { return }
            var best = Double.infinity
            for repetition in 0..<max(2, min(20, Int(0.002 / max(1e-6, expected)))) {
                let seconds = attention.watch(counting: repetition > 0) {
                    computer.timeGradient(
                        rows: rows, repetition: repetition, weights: weights.pointer, into: gradient.pointer)
                }
                best = min(best, seconds)
            }
            perRow = best / Double(rows)
            points.append((Double(rows), best))
        }
        let sizes = sizes
        time(sizes[0], within: 0, &attention)
        for rows in stepSizes where rows > sizes[0] { time(rows, within: Self.stepBudgets * budget, &attention) }
        let measured = Set(points.map { Int($0.count) })
        for rows in sizes where !measured.contains(rows) { time(rows, within: 0.75 * budget, &attention) }
        // The line passes near the blocks that the run's steps have.
        let own = points.filter { stepSizes.contains(Int($0.count)) }
        return CostModel.line(through: points + own + own)
    }

    /// The blocks that a step has on as many workers as shards, and in one process: those are timed even if they take so many budgets.
    private static let stepBudgets = 3.0

    /// The numbers of rows of these blocks, the smaller one first.
    private var stepSizes: [Int] {
        let maximum = min(run.model.blockRows, run.schedule.samples)
        let shards = max(1, run.schedule.shards)
        let rows = [(run.schedule.batch + shards - 1) / shards, run.schedule.batch].map { min(max(1, $0), maximum) }
        return Array(Set(rows)).sorted()
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

    /// Times the step of the run's own optimizer: AdamW's takes several times as long as plain descent.
    private func updateSeconds(
        _ weights: FloatBuffer, _ gradient: FloatBuffer, into next: FloatBuffer, _ attention: inout ThreadAttention
    ) -> Double {
        let optimizer = makeOptimizer()
        return least(within: budget / 8, &attention) {
            optimizer.beginStep(0, samples: run.schedule.batch)
            _ = optimizer.update(
                0..<run.layout.count, from: weights.pointer, sum: gradient.pointer, into: next.pointer)
        }
    }

    private func makeOptimizer() -> any Optimizer {
        run.configuration.makeOptimizer(
            for: run.layout, rate: run.configuration.makeLearningRate(stepsPerEpoch: run.schedule.stepsPerEpoch))
    }

    /// Runs `body` repeatedly for this time, at least once, and returns the shortest duration in seconds.
    private func least(
        within seconds: Double, _ attention: inout ThreadAttention, _ body: () -> Void
    ) -> Double {
        let end = Instant.now.advanced(bySeconds: seconds)
        var best = Double.infinity
        repeat {
            let isFirst = best == .infinity
            let start = Instant.now
            attention.watch(counting: !isFirst, body)
            best = min(best, Instant.now.seconds(since: start))
        } while Instant.now < end
        return best
    }
}

/// How much of the elapsed time the calling thread has run.
private struct ThreadAttention {
    private var ran = 0.0
    private var elapsed = 0.0

    /// Runs a trial; the first one of its kind, which may wait for a disk, is not counted.
    mutating func watch<Result>(counting isCounted: Bool, _ body: () -> Result) -> Result {
        let (start, thread) = (Instant.now, ProcessorClock.threadSeconds)
        let result = body()
        if isCounted {
            ran += ProcessorClock.threadSeconds - thread
            elapsed += Instant.now.seconds(since: start)
        }
        return result
    }

    /// From 0 to 1; 1 before any trial.
    var share: Double { elapsed > 0 ? min(1, ran / elapsed) : 1 }
}

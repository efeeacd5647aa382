import LockstepCompute
import LockstepCostModel
import LockstepNetwork
import LockstepRuntime
import LockstepSharding
import LockstepTimeline
import LockstepTraining

/// What a bench has found.
struct BenchResult {
    struct Measured {
        let setting: BenchSetting
        /// Of a step: one mean for each turn.
        let seconds: Statistics
        let steps: Int
        /// Where the time goes, the coordinator or the single process first.
        let processes: [BenchProcess]
    }

    let name: String
    let sizes: [Int]
    let batch: Int
    let samples: Int
    let kernel: String
    let cores: Int
    let measured: [Measured]
    /// Fitted to `measured`.
    let model: CostModel
    /// This machine's best at large matrix products, in floating-point operations a second.
    let peak: Double
    /// Floating-point operations in a step's matrix products.
    let flops: Double

    init(_ run: PreparedRun, measured: [Measured], model: CostModel, peak: Double) {
        name = run.configuration.name
        sizes = run.configuration.network.sizes
        batch = run.schedule.batch
        samples = run.schedule.samples
        kernel = run.library.kernel.rawValue
        cores = model.cores
        self.measured = measured
        self.peak = peak
        // Each layer: forward, its weights' gradient and, but for the first one, the error passed back.
        let products = zip(sizes, sizes.dropFirst()).enumerated().reduce(0) { sum, layer in
            sum + layer.element.0 * layer.element.1 * (layer.offset == 0 ? 2 : 3)
        }
        flops = 2 * Double(products) * Double(batch)
        var fitted = model
        fitted.fit(measured.map { Self.observation($0, batch: run.schedule.batch) })
        self.model = fitted
    }

    static func observation(_ measured: Measured, batch: Int) -> CostModel.Observation {
        let computing = measured.setting.workers == 0 ? measured.processes[...] : measured.processes.dropFirst()
        return CostModel.Observation(
            batch: batch, shards: measured.setting.shards, workers: measured.setting.workers,
            seconds: measured.seconds.median, compute: computing.map(\.compute).max() ?? 0)
    }

    /// The setting that the others are compared with.
    var reference: Measured { measured[0] }

    func speedup(_ other: Measured) -> Double { reference.seconds.median / other.seconds.median }

    /// The best speedup that the plan allows: the mini-batch over the most samples that one worker gets.
    func bound(_ other: Measured) -> Double {
        CostModel.bound(batch: batch, shards: other.setting.shards, workers: max(1, other.setting.workers))
    }

    /// The largest error of the fitted model on what was measured, as a part.
    var fitError: Double {
        measured.map { abs(model.error(of: Self.observation($0, batch: batch))) }.max() ?? 0
    }

    /// Workers to predict for: those measured, and powers of two beyond.
    var predictedWorkers: [Int] {
        let most = max(16, measured.map(\.setting.workers).max() ?? 0)
        let powers = sequence(first: 1) { $0 * 2 <= most ? $0 * 2 : nil }
        return Set(measured.map(\.setting.workers).filter { $0 > 0 }).union(powers).sorted()
    }
}

/// Where one process's time goes.
struct BenchProcess {
    let name: String
    /// Seconds of a step, by the phase's raw value.
    private let seconds: [Double]

    /// - Parameters:
    ///   - timeline: What the process has noted.
    ///   - steps: Steps that it was in.
    ///   - step: What one took, for a worker: it waits for all that it has no work in, between the bench's turns too.
    init(_ timeline: ProcessTimeline, steps: Int, waitingIn step: Double?) {
        name = timeline.name
        var seconds = Phase.allCases.map { Double(timeline[$0]) * 1e-9 / Double(max(1, steps)) }
        if let step {
            let wait = Int(Phase.wait.rawValue)
            seconds[wait] = 0
            seconds[wait] = max(0, step - seconds.reduce(0, +))
        }
        self.seconds = seconds
    }

    subscript(phase: Phase) -> Double { seconds[Int(phase.rawValue)] }

    /// Spent on samples, forward and backward passes.
    var compute: Double { self[.gather] + self[.forward] + self[.backward] }
}

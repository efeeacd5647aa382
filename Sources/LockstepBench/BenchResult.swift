import LockstepCompute
package import LockstepCostModel
import LockstepModel
package import LockstepNetwork
import LockstepRuntime
import LockstepSharding
package import LockstepTimeline
import LockstepTraining

/// What a bench measured, and the cost model fitted to it.
package struct BenchResult {
    package struct Measured {
        package let setting: BenchSetting
        /// Seconds of a step: the mean of each turn.
        package let seconds: Statistics
        package let steps: Int
        /// Where the time goes, in the coordinator or the single process first.
        package let processes: [BenchProcess]
    }

    package let name: String
    package let network: Architecture
    package let batch: Int
    /// The samples of the training split: the largest mini-batch that makes sense.
    package let samples: Int
    package let kernel: String
    package let cores: Int
    package let measured: [Measured]
    /// Fitted to `measured`.
    package let model: CostModel
    /// The fastest matrix products of this machine, in floating-point operations a second.
    package let peak: Double
    /// Floating-point operations in the products and convolutions of a step.
    package let flops: Double

    init(_ run: TrainingRun, measured: [Measured], model: CostModel, peak: Double) {
        self.init(
            name: run.configuration.name, network: run.configuration.network, flopsPerSample: run.model.flops.gradient,
            batch: run.schedule.batch, samples: run.schedule.samples, kernel: run.library.kernel.rawValue,
            measured: measured, model: model, peak: peak)
    }

    /// - Parameters:
    ///   - name: The run's.
    ///   - network: What it trains.
    ///   - flopsPerSample: Floating-point operations in the products and convolutions of a sample's gradient.
    ///   - batch: Samples in a mini-batch.
    ///   - samples: Samples of the training split.
    ///   - kernel: The numeric kernel.
    ///   - measured: At least one setting, the reference first.
    ///   - model: Calibrated on one process.
    ///   - peak: Floating-point operations a second.
    package init(
        name: String, network: Architecture, flopsPerSample: Int, batch: Int, samples: Int, kernel: String,
        measured: [Measured], model: CostModel, peak: Double
    ) {
        self.name = name
        self.network = network
        self.batch = batch
        self.samples = samples
        self.kernel = kernel
        cores = model.cores
        self.measured = measured
        self.peak = peak
        flops = Double(flopsPerSample) * Double(batch)
        var fitted = model
        fitted.fit(measured.map { Self.observation($0, batch: batch) })
        self.model = fitted
    }

    private static func observation(_ measured: Measured, batch: Int) -> CostModel.Observation {
        let computing = measured.setting.workers == 0 ? measured.processes[...] : measured.processes.dropFirst()
        return CostModel.Observation(
            batch: batch, shards: measured.setting.shards, workers: measured.setting.workers,
            seconds: measured.seconds.median, compute: computing.map(\.compute).max() ?? 0)
    }

    /// The setting that the others are compared with.
    package var reference: Measured { measured[0] }

    package func speedup(_ other: Measured) -> Double { reference.seconds.median / other.seconds.median }

    /// The best speedup that the plan allows: the mini-batch over the most samples that one worker gets.
    package func bound(_ other: Measured) -> Double {
        CostModel.bound(batch: batch, shards: other.setting.shards, workers: max(1, other.setting.workers))
    }

    /// The largest error of the fitted model on what was measured, as a fraction.
    package var fitError: Double {
        measured.map { abs(model.error(of: Self.observation($0, batch: batch))) }.max() ?? 0
    }

    /// The numbers of workers that the summary is about: those measured, from 2 on; else 2.
    package var summarizedWorkers: [Int] {
        let counts = measured.map(\.setting.workers).filter { $0 > 1 }
        return counts.isEmpty ? [2] : counts
    }

    /// The numbers of workers to predict for: those measured, and powers of two to 16 or more.
    package var predictedWorkers: [Int] {
        let maximum = max(16, measured.map(\.setting.workers).max() ?? 0)
        let powers = sequence(first: 1) { $0 * 2 <= maximum ? $0 * 2 : nil }
        return Set(measured.map(\.setting.workers).filter { $0 > 0 }).union(powers).sorted()
    }
}

/// Where the time of one process goes.
package struct BenchProcess {
    package let name: String
    /// Seconds of a step, by the raw value of the phase.
    private let seconds: [Double]

    /// - Parameters:
    ///   - timeline: What the process recorded.
    ///   - steps: Steps that it took part in.
    ///   - step: What a step took, for a worker, whose waiting is all the time that it does not work: its own record of
    ///     waiting covers the turns of the other settings too.
    package init(_ timeline: ProcessTimeline, steps: Int, waitingIn step: Double?) {
        name = timeline.name
        var seconds = Phase.allCases.map { Double(timeline[$0]) * 1e-9 / Double(max(1, steps)) }
        if let step {
            let wait = Int(Phase.wait.rawValue)
            seconds[wait] = 0
            seconds[wait] = max(0, step - seconds.reduce(0, +))
        }
        self.seconds = seconds
    }

    package subscript(phase: Phase) -> Double { seconds[Int(phase.rawValue)] }

    /// Seconds spent on samples, forward and backward passes.
    package var compute: Double { self[.gather] + self[.forward] + self[.backward] }
}

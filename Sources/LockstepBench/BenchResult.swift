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
        /// Seconds of a step in each turn. The settings take turns, so equal places of several settings belong together.
        let turns: [Double]
        /// The same as statistics.
        package let seconds: Statistics
        package let steps: Int
        /// Where the time goes, in the coordinator or the single process first.
        package let processes: [BenchProcess]

        /// - Parameters:
        ///   - setting: What was measured.
        ///   - turns: Seconds of a step: the mean of each turn, at least one.
        ///   - steps: The steps of all turns.
        ///   - processes: The coordinator or the single process first.
        package init(setting: BenchSetting, turns: [Double], steps: Int, processes: [BenchProcess]) {
            self.setting = setting
            self.turns = turns
            seconds = Statistics(turns)
            self.steps = steps
            self.processes = processes
        }

        /// Seconds that the slowest computing process spends on samples in a step.
        package var compute: Double {
            (setting.workers == 0 ? processes[...] : processes.dropFirst()).map(\.compute).max() ?? 0
        }
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
    package let machine: BenchMachine
    /// The largest relative error of the model at a measured number of workers, after a fit without it; nil with fewer than
    /// two numbers of workers.
    package let modelError: Double?

    init(_ run: TrainingRun, measured: [Measured], model: CostModel, peak: Double, machine: BenchMachine) {
        self.init(
            name: run.configuration.name, network: run.configuration.network, flopsPerSample: run.model.flops.gradient,
            batch: run.schedule.batch, samples: run.schedule.samples, kernel: run.library.kernel.rawValue,
            measured: measured, model: model, peak: peak, machine: machine)
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
    ///   - machine: Where it was measured.
    package init(
        name: String, network: Architecture, flopsPerSample: Int, batch: Int, samples: Int, kernel: String,
        measured: [Measured], model: CostModel, peak: Double, machine: BenchMachine
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
        self.machine = machine
        let observations = measured.map {
            CostModel.Observation(
                batch: batch, shards: $0.setting.shards, workers: $0.setting.workers, seconds: $0.seconds.median,
                compute: $0.compute)
        }
        let errors = zip(observations, model.errorsLeavingOneOut(observations)).compactMap { $0.workers > 0 ? $1 : nil }
        modelError = errors.map(abs).max()
        var fitted = model
        fitted.fit(observations)
        self.model = fitted
    }

    /// The setting that the others are compared with.
    package var reference: Measured { measured[0] }

    package func speedup(_ other: Measured) -> Double { reference.seconds.median / other.seconds.median }

    /// The best speedup that the plan allows: the mini-batch over the most samples that one worker gets.
    package func bound(_ other: Measured) -> Double {
        CostModel.bound(batch: batch, shards: other.setting.shards, workers: max(1, other.setting.workers))
    }

    /// The settings that the summary is about: from two workers on, or else one worker.
    package var summarized: [Measured] {
        let several = measured.filter { $0.setting.workers > 1 }
        return several.isEmpty ? measured.filter { $0.setting.workers > 0 } : several
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

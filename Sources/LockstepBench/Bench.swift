import Foundation
package import LockstepCluster
import LockstepCompute
import LockstepCostModel
import LockstepData
import LockstepRuns
package import LockstepRuntime
package import LockstepSystem
import LockstepTimeline
package import LockstepTraining

/// What one bench column measures: a single process, or so many workers.
package struct BenchSetting: Hashable, Sendable {
    /// 0: a single process.
    package let workers: Int
    package let shards: Int

    package init(workers: Int, shards: Int) {
        self.workers = workers
        self.shards = shards
    }
}

/// Times training steps of several settings, which take turns, so that a machine whose speed drifts is fair to all.
package struct Bench {
    /// What happens in a bench, for people.
    package enum Notice {
        case cluster(ClusterNotice, ending: String?)
        /// So many turns of the settings are measured.
        case progress(Int, of: Int)
    }

    let runs: [(setting: BenchSetting, run: TrainingRun)]
    private let transport: Transport
    private let workersAreNoOp: Bool
    private let stop: StopSignals
    private let notify: (Notice) -> Void

    /// Seconds that the steps of a setting take together if the caller names no number of steps.
    private static let duration = 3.0
    /// Turns that the steps of each setting are spread over.
    private static let turns = 12

    /// Loads the data set and prepares a run for each setting.
    ///
    /// - Parameters:
    ///   - settings: What to compare, the reference first.
    ///   - transport: How weights and gradients travel.
    ///   - workersAreNoOp: Whether workers answer at once without computing, to measure the coordinator alone.
    ///   - stop: The signals that end the bench early.
    ///   - configuration: The run configuration for so many shards.
    ///   - notify: Called with each notice.
    /// - Throws: What is wrong with the configuration or the data set, or what this host lacks for all settings at once.
    package init(
        settings: [BenchSetting], transport: Transport, workersAreNoOp: Bool = false, stop: StopSignals,
        configuration: (_ shards: Int) throws -> RunConfiguration, notify: @escaping (Notice) -> Void
    ) throws {
        // All settings are open at once, so their needs add up.
        var resources: [RunResources] = []
        runs = try settings.map { setting in
            let configuration = try configuration(setting.shards)
            let dataset = try configuration.data.load(cache: DataCache())
            resources.append(
                try RunResources(
                    configuration, dataset.description,
                    setting.workers == 0 ? .oneProcess : .localWorkers(setting.workers)))
            try RunResources(together: resources).check()
            let run = try TrainingRun(
                configuration: configuration, dataset: dataset, workers: 1,
                kernel: try configuration.kernel?.checked() ?? NumericKernel.resolve("auto"))
            return (setting: setting, run: run)
        }
        self.transport = transport
        self.workersAreNoOp = workersAreNoOp
        self.stop = stop
        self.notify = notify
    }

    /// Measures all settings.
    ///
    /// - Parameter steps: Steps of each setting; nil: as many as take about three seconds.
    /// - Returns: What was measured, and the cost model fitted to it.
    /// - Throws: Why a setting could not be measured.
    package func run(steps: Int?) throws -> BenchResult {
        let use = ProcessorUse()
        let reference = runs[0].run
        // Before any worker starts, so that none competes with it.
        let calibration = try Calibration(run: reference, within: Self.calibrationSeconds, use: use).measure()
        let peak = try reference.library.peakFlopsPerSecond()
        let measured = try withRunners { try measure($0, steps: steps) }
        // The workers have ended, so their processor time is known.
        var load = calibration.load
        load.usedByOthers = use.byOthers
        return BenchResult(
            reference, measured: measured, model: calibration.model, peak: peak, machine: BenchMachine(load: load))
    }

    private static let calibrationSeconds = 0.3

    /// Starts the workers of all settings, and stops them after `body`.
    func withRunners<Result>(_ body: ([StepRunner]) throws -> Result) throws -> Result {
        // A bench that is killed leaves its folder to the next one, which removes it.
        let logs = try SocketFolder.make(in: [temporaryFolder] + SocketFolder.defaultParents)
        var result: Result?
        try open(runs[...], [], logs: logs.path) { result = try body($0) }
        logs.remove()
        guard let result else { throw RunError.interrupted(signal: stop.requested ?? SIGTERM) }
        return result
    }

    /// Opens the settings one within the other, and closes them in the opposite order.
    private func open(
        _ rest: ArraySlice<(setting: BenchSetting, run: TrainingRun)>, _ runners: [StepRunner], logs: String,
        _ body: ([StepRunner]) throws -> Void
    ) throws {
        guard let (setting, run) = rest.first else { return try body(runners) }
        let next = rest.dropFirst()
        if setting.workers == 0 {
            return try open(next, runners + [try StepRunner(run)], logs: logs, body)
        }
        let cluster = try Cluster(
            run,
            Cluster.Options(
                endpoints: [], workers: setting.workers...setting.workers,
                allowsMixedKernels: false, transport: transport, timeline: .sums, workersAreNoOp: workersAreNoOp),
            stop: stop)
        try cluster.startLocalWorkers(setting.workers, arguments: ["--quiet"]) { index in
            "\(logs)/\(setting.workers)-worker-\(index).log"
        }
        try cluster.withSession(
            notify: { [notify] in notify(.cluster($0, ending: $1)) },
            { try open(next, runners + [StepRunner(cluster, $0)], logs: logs, body) })
    }

    /// - Throws: `RunError.interrupted` once the process has been asked to stop.
    func checkStop() throws {
        if let signal = stop.requested { throw RunError.interrupted(signal: signal) }
    }

    private func measure(_ runners: [StepRunner], steps: Int?) throws -> [BenchResult.Measured] {
        let counts = try runners.map { try warmUp($0, steps: steps) }
        for runner in runners { try runner.resetTimelines() }
        var samples: [[Double]] = runners.map { _ in [] }
        for turn in 0..<Self.turns {
            for (index, runner) in runners.enumerated() {
                try checkStop()
                // Every step belongs to one turn, even if there are fewer steps than turns.
                let block = counts[index] * (turn + 1) / Self.turns - counts[index] * turn / Self.turns
                guard block > 0 else { continue }
                let seconds = try runner.run(block)
                samples[index].append(seconds.reduce(0, +) / Double(block))
            }
            notify(.progress(turn + 1, of: Self.turns))
        }
        return try runners.enumerated().map { index, runner in
            let step = Statistics(samples[index]).median
            let processes = try runner.timelines().enumerated().map { place, timeline in
                BenchProcess(timeline, steps: counts[index], waitingIn: place == 0 ? nil : step)
            }
            return BenchResult.Measured(
                setting: runs[index].setting, turns: samples[index], steps: counts[index], processes: processes)
        }
    }

    /// Warms a setting up, and returns how many of its steps to measure.
    private func warmUp(_ runner: StepRunner, steps: Int?) throws -> Int {
        let first = try runner.run(2)
        let fast = first[1] < 0.01 ? try runner.run(20) : [first[1]]
        let step = Statistics(fast).median
        if let steps { return steps }
        return max(Self.turns, min(200_000, Int(Self.duration / max(1e-7, step))))
    }
}

import Foundation
import LockstepCluster
import LockstepCompute
import LockstepRuntime
import LockstepSystem
import LockstepTimeline
import LockstepTraining

/// One column of a bench: a single process, or so many workers.
struct BenchSetting: Hashable {
    /// 0: a single process.
    let workers: Int
    let shards: Int

    var name: String { workers == 0 ? "1 process" : workers == 1 ? "1 worker" : "\(workers) workers" }
}

/// Takes the settings' steps in turn.
struct Bench {
    let runs: [(setting: BenchSetting, run: PreparedRun)]
    let options: BenchOptions
    /// Whether the workers only pretend to compute.
    private let workersPretend: Bool
    private let stop: StopSignals
    private let scratch: URL

    /// Seconds that a setting's steps take together where nobody says how many there are to be.
    private static let duration = 3.0
    /// Turns that each setting's steps are spread over.
    private static let turns = 12

    /// - Throws: What is wrong with the configuration or the data set.
    init(settings: [BenchSetting], options: BenchOptions, workersPretend: Bool = false, stop: StopSignals) throws {
        runs = try settings.map { (setting: $0, run: try options.prepare(shards: $0.shards)) }
        self.options = options
        self.workersPretend = workersPretend
        self.stop = stop
        scratch = FileManager.default.temporaryDirectory.appending(path: "lockstep-bench-\(Host.processID)")
    }

    /// Runs everything.
    ///
    /// - Parameter steps: Of each setting; nil: as many as take a few seconds.
    /// - Returns: What was measured.
    /// - Throws: Why a setting could not be run to its end.
    func run(steps: Int?) throws -> BenchResult {
        try withRunners { try measure($0, steps: steps) }
    }

    /// Opens all settings, and closes them when `body` is done with them.
    func withRunners<Result>(_ body: ([StepRunner]) throws -> Result) throws -> Result {
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: scratch) }
        var result: Result?
        try open(runs[...], []) { result = try body($0) }
        guard let result else { throw RunError.interrupted(signal: stop.requested ?? SIGTERM) }
        return result
    }

    /// Opens all settings, one within the other, and closes them in the opposite order.
    private func open(
        _ rest: ArraySlice<(setting: BenchSetting, run: PreparedRun)>, _ runners: [StepRunner],
        _ body: ([StepRunner]) throws -> Void
    ) throws {
        guard let (setting, run) = rest.first else { return try body(runners) }
        let next = rest.dropFirst()
        if setting.workers == 0 {
            return try open(next, runners + [try run.runner()], body)
        }
        let cluster = try Cluster(
            run,
            Cluster.Options(
                endpoints: [], workers: setting.workers...setting.workers,
                allowsMixedKernels: false, transport: options.source.transport ?? .auto, timeline: .sums,
                workersPretend: workersPretend),
            stop: stop)
        try cluster.startLocalWorkers(setting.workers, arguments: ["--quiet"]) { index in
            scratch.appending(path: "\(setting.workers)-worker-\(index).log").path
        }
        let report = { [console = options.consoleOptions.console] (notice: ClusterNotice, ending: String?) in
            if notice.isWarning { console.warning(notice.text(ending: ending)) }
        }
        try cluster.withRunner(notify: report) { try open(next, runners + [$0], body) }
    }

    /// - Throws: That the process was asked to stop.
    func checkStop() throws {
        if let signal = stop.requested { throw RunError.interrupted(signal: signal) }
    }

    private func measure(_ runners: [StepRunner], steps: Int?) throws -> BenchResult {
        let counts = try runners.map { try warmUp($0, steps: steps) }
        for runner in runners { try runner.resetTimelines() }
        var samples: [[Double]] = runners.map { _ in [] }
        for turn in 0..<Self.turns {
            for (index, runner) in runners.enumerated() {
                try checkStop()
                // Every step is in some turn, however few there are.
                let block = counts[index] * (turn + 1) / Self.turns - counts[index] * turn / Self.turns
                guard block > 0 else { continue }
                let seconds = try runner.take(block)
                samples[index].append(seconds.reduce(0, +) / Double(block))
            }
            options.consoleOptions.console.progress("bench: \(turn + 1) of \(Self.turns) turns")
        }
        var measured: [BenchResult.Measured] = []
        for (index, runner) in runners.enumerated() {
            let seconds = Statistics(samples[index])
            let processes = try runner.timelines().enumerated().map { place, timeline in
                BenchProcess(timeline, steps: counts[index], waitingIn: place == 0 ? nil : seconds.median)
            }
            measured.append(
                BenchResult.Measured(
                    setting: runs[index].setting, seconds: seconds, steps: counts[index], processes: processes))
        }
        let reference = runs[0].run
        return try BenchResult(
            reference, measured: measured, model: reference.calibrated(within: 0.3),
            peak: reference.library.peakFlopsPerSecond { Timeline.now })
    }

    /// Warms a setting up, and finds how many steps it is to take.
    private func warmUp(_ runner: StepRunner, steps: Int?) throws -> Int {
        let first = try runner.take(2)
        let fast = first[1] < 0.01 ? try runner.take(20) : [first[1]]
        let step = Statistics(fast).median
        if let steps { return steps }
        return max(Self.turns, min(200_000, Int(Self.duration / max(1e-7, step))))
    }
}

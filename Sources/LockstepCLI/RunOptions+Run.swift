import Glibc
import LockstepArtifacts
import LockstepCluster
import LockstepCompute
import LockstepCostModel
import LockstepData
import LockstepRuntime
import LockstepSharding
import LockstepSystem
import LockstepTraining
import ZeroMQ

extension RunOptions {
    /// Resolves the configuration and loads what it names.
    ///
    /// - Parameter workers: Workers that the run starts with.
    /// - Returns: The run, and the directory of one that is resumed; nil if all that was asked for has been printed.
    /// - Throws: What is wrong with the configuration, the data set, the kernel or the run to resume.
    func prepare(workers: Int) throws -> (run: PreparedRun, resumed: ResumedRun?)? {
        var configuration = try configuration()
        let resumed = resume ? try ResumedRun(output: output, name: configuration.name) : nil
        if let resumed { configuration = try resumed.merged(with: configuration) }
        configuration.shards = configuration.shards ?? workers
        let kernel = try configuration.kernel?.checked() ?? MatrixKernel.resolve("auto")
        configuration.kernel = kernel
        if printConfig {
            console.result(ConfigurationFile.yaml(of: configuration).trimmingSuffix("\n"))
            return nil
        }
        let dataset = try Dataset.load(configuration.data, cache: try DataCache())
        if dryRun {
            try configuration.check(against: dataset.description)
            let plan = DryRun(configuration: configuration, workers: workers)
            for line in try plan.lines(trainingSamples: dataset.samples(of: .training).count) { console.result(line) }
            return nil
        }
        var run = try PreparedRun(configuration: configuration, dataset: dataset, workers: workers, kernel: kernel)
        try resumed?.load(
            into: &run, identity: try run.identity(), allowsMixedKernels: allowMixedKernels, console: console)
        return (run, resumed)
    }

    /// The options of a coordinator.
    ///
    /// - Throws: `UsageError` for a combination that makes no sense.
    func clusterOptions(
        endpoints: [Endpoint], workers: ClosedRange<Int>, keys: CoordinatorKeys? = nil, adapts: Bool = false,
        for run: PreparedRun
    ) throws -> Cluster.Options {
        let audit = audit ?? 0
        guard audit >= 0, audit <= 1 else {
            throw UsageError("--audit \(audit): a fraction of the steps, from 0 to 1")
        }
        guard audit == 0 || !allowMixedKernels else {
            throw UsageError(
                "--audit compares bits, and with --allow-mixed-kernels they differ: leave one of the two out")
        }
        guard maxRestarts >= 0 else { throw UsageError("--max-restarts \(maxRestarts): 0 or more") }
        return Cluster.Options(
            endpoints: endpoints, workers: workers, allowsMixedKernels: allowMixedKernels,
            transport: source.transport ?? .auto, keys: keys, timeline: timelineOptions(for: run),
            auditedFraction: audit, maximumRestarts: maxRestarts, eventRecord: recordEvents, tunesWorkerCount: adapts)
    }

    /// Makes the run's directory, or takes that of the run that is resumed.
    func openDirectory(for run: PreparedRun, resumed: ResumedRun?) throws -> OpenRunDirectory {
        if let resumed { return resumed.open }
        return try OpenRunDirectory(try RunDirectory.create(output: output, name: run.configuration.name))
    }

    /// Trains in this process alone.
    func train(_ run: PreparedRun, stop: StopSignals, in open: OpenRunDirectory) throws {
        let timeline = timelineOptions(for: run)?.makeTimeline()
        try train(run, stop: stop, in: open) { observers, checkpoints in
            let outcome = try run.train(observers: observers, checkpoints: checkpoints, timeline: timeline) {
                stop.requested != nil
            }
            if let timeline { try write([ProcessTimeline(of: timeline, name: "one process")], in: open.directory) }
            return outcome
        }
    }

    /// What `--trace` keeps: some steps after the run has warmed up.
    func timelineOptions(for run: PreparedRun) -> TimelineOptions? {
        guard trace else { return nil }
        let first = run.resumed?.progress.step ?? 0
        let steps = UInt64(run.configuration.training.epochs * run.schedule.stepsPerEpoch)
        let left = steps > first ? steps - first : 0
        return TimelineOptions(firstStep: first + min(100, left / 2), steps: 50)
    }

    private func write(_ timelines: [ProcessTimeline], in directory: RunDirectory) throws {
        let tracks = timelines.map { process in
            ChromeTrace.Track(
                name: process.name, processID: process.processID, clockOffset: process.clockOffset,
                spans: process.spans)
        }
        try ChromeTrace(tracks: tracks).write(to: directory.trace)
        console.result("Trace: \(directory.trace) (opens in https://ui.perfetto.dev)")
    }

    /// Says so where workers were slower than a single process would have been: a slowdown is no speedup.
    private func judge(_ outcome: RunOutcome, _ run: PreparedRun, prediction: CostModel?, workers: Int) {
        guard let prediction, outcome.steps > 0, outcome.seconds > 0, workers > 0 else { return }
        let step = outcome.seconds / Double(outcome.steps)
        let alone = prediction.single(batch: run.schedule.batch, shards: 1).total
        guard step > 1.05 * alone else { return }
        console.result(
            "A step took \(decimal(step * 1_000, 3)) ms; one process would take about \(decimal(alone * 1_000, 3)) ms. "
                + "Where workers pay: lockstep bench \(source.config) --workers \(workers)")
    }

    /// Trains on workers.
    func train(_ run: PreparedRun, on cluster: Cluster, stop: StopSignals, in open: OpenRunDirectory) throws {
        let console = console
        try train(run, stop: stop, in: open) { observers, checkpoints in
            let outcome: RunOutcome
            do {
                outcome = try cluster.train(observers: observers, checkpoints: checkpoints) { notice, ending in
                    let text = notice.text(ending: ending)
                    if notice.isWarning { console.warning(text) } else { console.note(text) }
                }
            } catch {
                if (error as? RunError)?.interruption == nil {
                    console.tell(cluster.chronicle)
                    console.keep(cluster.lastEvents, in: open.directory)
                }
                throw error
            }
            if trace { try write(cluster.timelines, in: open.directory) }
            judge(
                outcome, run, prediction: cluster.prediction, workers: outcome.epochs.last?.workers ?? 0)
            return outcome
        }
    }

    /// Trains with everything that a run directory gets around it.
    private func train(
        _ run: PreparedRun, stop: StopSignals, in open: OpenRunDirectory,
        _ body: ([any RunObserver], any CheckpointStore) throws -> RunOutcome
    ) throws {
        let (console, directory) = (console, open.directory)
        let recorder = RunRecorder(
            directory: directory, programVersion: programVersion,
            peakMemoryBytes: { UInt64(Host.peakResidentBytes) }, warn: console.warning)
        let checkpoints = CheckpointWriter(
            folder: directory.checkpoints, layout: run.layout, identity: try run.identity(),
            every: run.configuration.checkpoint.every, previous: run.resumed?.progress,
            requestCount: { stop.requestCount }
        ) { notice in
            if notice.isWarning { console.warning(notice.text) } else { console.detail(notice.text) }
        }
        let reports = ReportRecorder(
            directory: directory, programVersion: programVersion, host: Host.name, warn: console.warning)
        let outcome: RunOutcome
        do {
            outcome = try body([recorder, reports, EpochPrinter(console)], checkpoints)
        } catch {
            console.tellHowToGoOn(after: error, in: directory)
            throw error
        }
        console.result("Run: \(directory.path)")
        if outcome.interrupted {
            let signal = stop.requested ?? SIGTERM
            console.warning(
                "stopped by \(signal == SIGINT ? "SIGINT" : "SIGTERM") after \(grouped(outcome.steps)) steps; to go "
                    + "on, repeat the command with --resume --output \(directory.path)")
            throw RunError.interrupted(signal: signal)
        }
    }
}

extension PreparedRun {
    /// What the weights of this run depend on.
    func identity() throws -> RunIdentity {
        RunIdentity(
            configuration: ConfigurationFile.digest(of: configuration), data: dataset.description.sha256,
            programVersion: programVersion, kernel: library.kernel.rawValue,
            fingerprint: try makeShardComputer().fingerprint())
    }
}

extension CheckpointWriter.Notice {
    /// The news in a sentence.
    var text: String {
        switch self {
        case .saved(let step):
            "Checkpoint after step \(grouped(Int(step)))"
        case .failed(let step, let previous, let error):
            "no checkpoint after step \(grouped(Int(step))): \(error); "
                + (previous.map { "the one after step \(grouped(Int($0))) stays" } ?? "there is none yet")
        }
    }

    /// Whether it is something to worry about.
    var isWarning: Bool {
        if case .failed = self { return true }
        return false
    }
}

extension Console {
    /// Says of a run that failed where its newest checkpoint is, and how to go on where that makes sense.
    fileprivate func tellHowToGoOn(after error: any Error, in directory: RunDirectory) {
        guard let step = try? directory.checkpoints.steps().first else { return }
        let place = "the newest checkpoint is that after step \(grouped(Int(step)))"
        // Going on would lead to the same numbers again.
        if case TrainingError.notFinite = error { return warning("\(place), in \(directory.checkpoints.path)") }
        warning("\(place); to go on, repeat the command with --resume --output \(directory.path)")
    }
}

extension String {
    func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}

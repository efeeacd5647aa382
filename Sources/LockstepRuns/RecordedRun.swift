import Glibc
package import LockstepArtifacts
import LockstepCluster
import LockstepCostModel
package import LockstepRuntime
import LockstepSharding
package import LockstepSystem
package import LockstepTimeline
package import LockstepTraining
package import ZeroMQ

/// Trains a run and writes its run directory: metrics, reports, checkpoints, models and, if asked for, a trace.
package struct RecordedRun {
    private let run: TrainingRun
    private let open: OpenRunDirectory
    private let stop: StopRequests
    private let isTraced: Bool
    private let observers: [any RunObserver]
    private let live: (any LiveView)?
    private let notify: @Sendable (RunNotice) -> Void

    /// - Parameters:
    ///   - run: The run, ready for its first step.
    ///   - open: Its directory.
    ///   - stop: Asked whether to end early.
    ///   - isTraced: Whether to write a timeline of some steps of all processes.
    ///   - observers: A face's own, told after those that write the run directory.
    ///   - live: Shows the run while it goes on; nil: nothing does.
    ///   - notify: Called with each notice.
    package init(
        _ run: TrainingRun, in open: OpenRunDirectory, stop: StopRequests, isTraced: Bool,
        observers: [any RunObserver], live: (any LiveView)? = nil, notify: @escaping @Sendable (RunNotice) -> Void
    ) {
        self.live = live
        self.run = run
        self.open = open
        self.stop = stop
        self.isTraced = isTraced
        self.observers = observers
        self.notify = notify
    }

    private var directory: RunDirectory { open.directory }

    /// Trains in this process alone.
    ///
    /// - Throws: Why the run failed; `RunError.interrupted` after a stop signal.
    package func train() throws {
        let timeline = isTraced ? run.traceOptions.makeTimeline() : nil
        try record(stop.checkpointCount) { observers, checkpoints in
            let outcome = try run.train(
                observers: observers, checkpoints: InjectedMemoryFault.wrap(checkpoints, run.dataset),
                timeline: timeline
            ) {
                ServiceManager.current?.ping(now: .now)
                return stop.signal() != nil
            }
            if let timeline {
                try writeTrace([ProcessTimeline(of: timeline, name: "one process", processID: UInt32(Host.processID))])
            }
            return outcome
        }
    }

    /// Trains on the workers of a coordinator.
    ///
    /// - Parameters:
    ///   - cluster: The coordinator, which listens already.
    ///   - localWorkers: Worker processes to start on this host; their logs go into the run directory. Nil: none, the
    ///     workers are started by hand.
    ///   - remoteWorkers: Starts workers on other hosts; nil: none.
    ///   - endpoints: Where workers can connect; they are written to the run directory while the run goes on.
    ///   - use: Counts what other programs use of this machine.
    /// - Throws: Why the run failed; `RunError.interrupted` after a stop signal.
    package func train(
        on cluster: Cluster, startingWorkers localWorkers: Int? = nil,
        startingRemoteWorkers remoteWorkers: (() throws -> any RemoteWorkers)? = nil,
        reachableAt endpoints: [Endpoint] = [], use: ProcessorUse = ProcessorUse()
    ) throws {
        try cluster.calibrate(use)
        defer { if !endpoints.isEmpty { unlink(directory.endpoint) } }
        if !endpoints.isEmpty { try EndpointFile.write(endpoints, to: directory.endpoint) }
        if let localWorkers {
            try cluster.startLocalWorkers(localWorkers, arguments: [], log: directory.workerLog)
        }
        if let remoteWorkers { cluster.add(try remoteWorkers()) }
        let requestCount = { [stop] in stop.checkpointCount() + cluster.saveRequestCount }
        try record(requestCount, on: cluster) { observers, checkpoints in
            let outcome: RunOutcome
            do {
                outcome = try cluster.train(observers: observers, checkpoints: checkpoints) { [notify] in
                    notify(.cluster($0, ending: $1))
                }
            } catch {
                if (error as? RunError)?.interruption == nil {
                    notify(.failed(cluster.failureLog))
                    save(cluster.lastEvents)
                }
                throw error
            }
            if isTraced { try writeTrace(cluster.timelines) }
            return outcome
        }
    }

    /// Trains with everything that writes the run directory.
    ///
    /// - Parameters:
    ///   - requestCount: How often a checkpoint has been asked for.
    ///   - cluster: The coordinator whose forecast is compared with what came; nil: one process trains.
    ///   - train: Trains.
    /// - Throws: Why the run failed; `RunError.interrupted` after a stop signal.
    private func record(
        _ requestCount: @escaping () -> Int, on cluster: Cluster? = nil,
        _ train: ([any RunObserver], any CheckpointStore) throws -> RunOutcome
    ) throws {
        let warn = { [notify] in notify(.warning($0)) }
        let recorder = RunRecorder(
            directory: directory, programVersion: programVersion,
            peakMemoryBytes: { UInt64(Host.peakResidentBytes) }, fallbacks: Self.fallbacks, warn: warn)
        let checkpoints = CheckpointWriter(
            folder: directory.checkpoints, layout: run.layout, identity: try run.identity(),
            every: run.configuration.checkpoint.every, previous: run.resumed?.progress,
            requestCount: requestCount
        ) { [notify] in notify(.checkpoint($0)) }
        let reports = ReportRecorder(
            directory: directory, programVersion: programVersion, host: Host.name,
            sources: ReportRecorder.Sources(analyst: ReportAnalyst(run), live: live) {
                cluster?.statusReport?.workerRows ?? []
            },
            warn: warn)
        let outcome: RunOutcome
        do {
            outcome = try train([recorder, reports] + observers, checkpoints)
        } catch {
            reportNewestCheckpoint(after: error)
            open.discardUnlessBegun(withLogs: (error as? RunError)?.interruption != nil)
            throw error
        }
        notify(.finished(directory))
        if let cluster { compare(outcome, with: cluster) }
        if outcome.interrupted {
            let signal = stop.signal() ?? SIGTERM
            notify(.interrupted(signal: signal, steps: outcome.steps, directory))
            throw RunError.interrupted(signal: signal)
        }
    }

    /// Where a model goes whose run directory is full or gone.
    private static var fallbacks: [String] {
        let named = ["TMPDIR", "HOME"].compactMap(environmentPath)
        return named.filter { !$0.isEmpty } + ["/tmp", "/var/tmp", "."]
    }

    /// Sets the forecast beside what the steps of this process took.
    private func compare(_ outcome: RunOutcome, with cluster: Cluster) {
        let before = run.resumed?.progress
        let steps = outcome.steps - Int(clamping: before?.step ?? 0)
        let seconds = outcome.seconds - (before.map { $0.seconds + $0.epochSeconds } ?? 0)
        guard let forecast = cluster.prediction, steps > 0, seconds > 0 else { return }
        notify(
            .outcome(
                ForecastOutcome(
                    forecast: forecast, workers: outcome.epochs.last?.workers, step: seconds / Double(steps),
                    load: cluster.loadSinceCalibration)))
    }

    private func writeTrace(_ timelines: [ProcessTimeline]) throws {
        let tracks = timelines.map { process in
            ChromeTrace.Track(
                name: process.name, processID: process.processID, clockOffset: process.clockOffset,
                spans: process.spans)
        }
        try ChromeTrace(tracks: tracks).write(to: directory.trace)
        try ReportDetails.add(
            timelines.map { process in
                let seconds = Phase.allCases.map { ("\($0)", Double(process[$0]) / 1e9) }
                return ReportDetails.Process(name: process.name, seconds: Dictionary(uniqueKeysWithValues: seconds))
            }, in: directory)
        notify(.traced(path: directory.trace))
    }

    /// Writes a failed coordinator's last protocol events into the run directory.
    private func save(_ events: [String]) {
        guard !events.isEmpty else { return }
        do throws(ArtifactError) {
            try AtomicFile.write(events.map { $0 + "\n" }.joined(), to: directory.coordinatorEvents)
            notify(.savedEvents(count: events.count, path: directory.coordinatorEvents))
        } catch {
            notify(.warning("\(error)"))
        }
    }

    private func reportNewestCheckpoint(after error: any Error) {
        guard let step = try? directory.checkpoints.steps().first else { return }
        // A run that came to numbers that are not finite would come to them again.
        if case TrainingError.notFinite = error {
            notify(.newestCheckpoint(step: step, directory, canContinue: false))
        } else {
            notify(.newestCheckpoint(step: step, directory, canContinue: true))
        }
    }
}

extension TrainingRun {
    /// What a trace keeps: fifty steps after the run has warmed up.
    package var traceOptions: TimelineOptions {
        let first = resumed?.progress.step ?? 0
        let steps = UInt64(configuration.training.epochs * schedule.stepsPerEpoch)
        let left = steps > first ? steps - first : 0
        return TimelineOptions(firstStep: first + min(100, left / 2), steps: 50)
    }
}

extension StatusReport {
    /// The workers, for the run's page.
    fileprivate var workerRows: [ReportDetails.Worker] {
        cluster.workers.map { worker in
            ReportDetails.Worker(
                name: "worker \(worker.member)", host: worker.host, processID: worker.processID,
                state: worker.state.rawValue,
                millisecondsPerNode: computeTimes[worker.member].map { Double($0) / 1e6 })
        }
    }
}

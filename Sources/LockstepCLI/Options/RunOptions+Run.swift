import LockstepArtifacts
import LockstepDashboard
import LockstepData
import LockstepRuns
import LockstepRuntime
import LockstepSystem
import LockstepTraining
import ZeroMQ

extension RunOptions {
    /// Resolves the configuration and loads what it names.
    ///
    /// - Parameters:
    ///   - workers: Workers that the run starts with.
    ///   - stop: Already the first signal ends the process here.
    ///   - placement: Where the work is to be done, given the run's shards: this host must have room for it.
    /// - Returns: The run, and what opens its directory; nil if the command line asks for a text only, which has been
    ///   printed.
    /// - Throws: What is wrong with the configuration, the data set, the kernel or the run to resume.
    func prepare(
        workers: Int, stop: StopSignals, on placement: (RunConfiguration) throws -> RunResources.Placement
    ) throws -> (run: TrainingRun, assembly: RunAssembly)? {
        // Loading the data set and proving the kernel may take long, and there is nothing to save yet.
        try stop.beforeRun { try prepare(workers: workers, on: placement) }
    }

    private func prepare(
        workers: Int, on placement: (RunConfiguration) throws -> RunResources.Placement
    ) throws -> (run: TrainingRun, assembly: RunAssembly)? {
        let configuration = try configuration()
        let assembly = try RunAssembly(
            configuration, workers: workers,
            resuming: try resumedRun(named: configuration.name))
        if printConfig {
            try console.output(ConfigurationFile.yaml(of: assembly.configuration).trimmingSuffix("\n"))
            return nil
        }
        let dataset = try assembly.loadDataset()
        for notice in dataset.description.notices { console.info(notice) }
        if dryRun {
            try assembly.configuration.check(against: dataset.description)
            let plan = DryRun(configuration: assembly.configuration, workers: workers)
            // More workers than can have work are a matter of the run itself.
            let place = try? placement(assembly.configuration)
            try console.output(
                try plan.lines(trainingSamples: dataset.indices(of: .training).count) + [plan.timeLine(dataset, place)])
            return nil
        }
        let resolved = assembly.configuration
        try resolved.check(against: dataset.description)
        try RunResources(resolved, dataset.description, try placement(resolved)).check()
        return (try assembly.prepare(dataset, allowsMixedKernels: allowMixedKernels, notify: show), assembly)
    }

    /// The run to continue; nil: begin one.
    private func resumedRun(named name: String) throws -> ResumedRun? {
        if resume { return try ResumedRun(output: output, name: name) }
        guard resumeAuto else { return nil }
        return try ResumedRun(ifPresent: output, name: name)
    }

    /// The options of a coordinator.
    ///
    /// - Throws: `CommandError` for a combination that makes no sense.
    func clusterOptions(
        endpoints: [Endpoint], workers: ClosedRange<Int>, keys: CoordinatorKeys? = nil, adapts: Bool = false,
        for run: TrainingRun
    ) throws -> Cluster.Options {
        let audit = audit ?? 0
        guard audit >= 0, audit <= 1 else {
            throw CommandError(.usage, "--audit \(audit): give a fraction of the steps, from 0 to 1")
        }
        guard audit == 0 || !allowMixedKernels else {
            throw CommandError(
                .usage,
                "--audit compares bits, and --allow-mixed-kernels lets them differ: leave one of the two out")
        }
        guard maxRestarts >= 0 else {
            throw CommandError(.usage, "--max-restarts \(maxRestarts): give 0 or more")
        }
        return Cluster.Options(
            endpoints: endpoints, workers: workers, allowsMixedKernels: allowMixedKernels,
            transport: source.transport ?? .auto, keys: keys, timeline: trace ? run.traceOptions : nil,
            auditedFraction: audit, maximumRestarts: maxRestarts, eventRecord: recordEvents, tunesWorkerCount: adapts)
    }

    /// The run in its directory, which is made unless the run is resumed.
    ///
    /// - Parameters:
    ///   - run: The run.
    ///   - assembly: Opens its directory.
    ///   - stop: Ends the run early.
    ///   - isOneProcess: Whether this process computes, without workers.
    /// - Returns: The run, which has not begun.
    /// - Throws: `ArtifactError` if the directory cannot be made.
    func recorded(
        _ run: TrainingRun, _ assembly: RunAssembly, stop: StopSignals, isOneProcess: Bool = false
    ) throws -> RecordedRun {
        // A port that is in use is reported before the run directory is made.
        let live = try dashboard.map { try Dashboard($0.address, name: run.configuration.name) }
        if let live { console.info("Dashboard: \(live.url)") }
        return RecordedRun(
            run, in: try assembly.openDirectory(output: output), stop: StopRequests(stop), isTraced: trace,
            observers: [EpochPrinter(console, isOneProcess: isOneProcess), ServiceStatus(ServiceManager.current)],
            live: live, notify: show)
    }

    /// Prints a notice of the run.
    private var show: @Sendable (RunNotice) -> Void {
        { [console, configuration = source.config] notice in
            for line in notice.lines(configuration: configuration) { console.print(line) }
        }
    }
}

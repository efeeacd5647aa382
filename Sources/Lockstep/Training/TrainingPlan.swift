import LockstepArtifacts
import LockstepCluster
import LockstepCompute
import LockstepData
import LockstepModel
import LockstepNumerics
import LockstepProtocol
import LockstepRuns
import LockstepRuntime
import LockstepSystem
import LockstepTraining
import ZeroMQ

/// What a training does, before it begins.
struct TrainingPlan: Sendable {
    /// Without shards and kernel, unless they are set.
    var configuration: RunConfiguration
    let dataset: LockstepData.Dataset
    /// Read, never written.
    let startingWeights: FloatBuffer
    let placement: WorkerPlacement
    /// The run directory; nil: the training writes no file.
    var folder: String?
    var resuming: Resuming = .never

    /// Trains, on the calling thread.
    ///
    /// - Parameters:
    ///   - stop: Ends the training early.
    ///   - emit: Called with each event that the trainer reports.
    ///   - notify: Called with sentences for people.
    /// - Returns: How it ended.
    /// - Throws: ``LockstepError``.
    func run(
        stop: StopSignals?, emit: @escaping (TrainingEvent) -> Void,
        notify: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(LockstepError) -> TrainingResult {
        let observer = TrainingObserver(emit)
        try withPublicErrors {
            do {
                try run(observer, stop, emit) { notice in
                    if let text = notice.text { notify(text) }
                }
            } catch let error as RunError where error.interruption != nil && observer.outcome != nil {
                // Stopped in order: the observer has everything.
            }
        }
        guard let outcome = observer.outcome, let final = observer.final else {
            throw LockstepError(.workers, "the training was stopped before its first step")
        }
        let best = outcome.selectedEpoch == nil ? nil : observer.best ?? earlierBest
        return TrainingResult(outcome, final: final, best: best)
    }

    private func run(
        _ observer: TrainingObserver, _ stop: StopSignals?, _ emit: @escaping (TrainingEvent) -> Void,
        _ notify: @escaping @Sendable (RunNotice) -> Void
    ) throws {
        try checkCounts()
        var configuration = configuration
        configuration.kernel = try ComputeLibrary.inUse().kernel
        let assembly = try RunAssembly(configuration, workers: placement.workerCount, resuming: try resumedRun())
        try assembly.configuration.check(against: dataset.description)
        try RunResources(assembly.configuration, dataset.description, resourcePlacement).check()
        var run = try assembly.prepare(dataset, startingWeights: startingWeights, notify: notify)
        // The values came from the program, and are nowhere to be read again.
        run.reloadDataset = nil
        let recorded = try folder.map { folder in
            RecordedRun(
                run, in: try assembly.openDirectory(output: folder), stop: stop.map(StopRequests.init) ?? .none,
                isTraced: false, observers: [observer], notify: notify)
        }
        guard let cluster = try makeCluster(run, stop) else {
            if let recorded { return try recorded.train() }
            _ = try run.train(observers: [observer]) { stop?.requested != nil }
            return
        }
        let localWorkers: Int? = if case .local(let count, _) = placement.kind { count } else { nil }
        let endpoints = localWorkers == nil ? AdvertisedEndpoints.list(cluster.endpoints, advertising: nil) : []
        if !endpoints.isEmpty { emit(.listening(endpoints.map { "\($0)" })) }
        if let recorded {
            try recorded.train(on: cluster, startingWorkers: localWorkers, reachableAt: endpoints)
        } else {
            try cluster.trainUnrecorded(localWorkers: localWorkers, observers: [observer]) {
                notify(.cluster($0, ending: nil))
            }
        }
    }

    // MARK: - Checks

    private func checkCounts() throws(LockstepError) {
        let limits = RunLimits.workers
        let counts: [Int]
        switch placement.kind {
        case .thisProcess: counts = []
        case .local(let count, _): counts = [count]
        case .coordinator(_, _, let workers): counts = [workers.lowerBound, workers.upperBound]
        }
        for count in counts + [configuration.shards ?? 1] where !limits.contains(count) {
            throw LockstepError(
                .configuration,
                "\(configuration.shards ?? placement.workerCount) shards, \(placement.workerCount) workers: give 1 to "
                    + "\(limits.upperBound) of each")
        }
    }

    private var resourcePlacement: RunResources.Placement {
        switch placement.kind {
        case .thisProcess: .oneProcess
        case .local(let count, _): .localWorkers(count)
        case .coordinator(_, _, let workers): .remoteWorkers(workers.upperBound)
        }
    }

    // MARK: - Resuming

    private func resumedRun() throws -> ResumedRun? {
        switch (resuming, folder) {
        case (.never, _): nil
        case (_, nil):
            throw LockstepError(.configuration, "a training continues in its folder: name it with 'recording'")
        case (.always, .some(let folder)): try ResumedRun(output: folder, name: configuration.name)
        case (.ifPresent, .some(let folder)): try ResumedRun(ifPresent: folder, name: configuration.name)
        }
    }

    /// The best weights, if an earlier process has saved them.
    private var earlierBest: FloatBuffer? {
        guard let folder else { return nil }
        let path = RunDirectory(existing: folder).bestModel
        if let model = configuration.model { return try? ModelFile.load(path, ofModel: model.name).parameters }
        return try? ModelFile.load(path).parameters
    }

    // MARK: - Workers

    /// The coordinator, which listens; nil if this process trains alone.
    private func makeCluster(_ run: TrainingRun, _ stop: StopSignals?) throws -> Cluster? {
        var options: Cluster.Options
        switch placement.kind {
        case .thisProcess: return nil
        case .local(let count, let executable):
            options = Cluster.Options(endpoints: [], workers: count...count, allowsMixedKernels: false)
            options.workerProgram = try workerProgram(executable)
        case .coordinator(let endpoints, let folder, let workers):
            let keys = try folder.map { try KeyDirectory(path: $0).coordinatorKeys() }
            let bound = try endpoints.flatMap { try Endpoint($0).addressesToBind() }
            guard !bound.isEmpty else {
                throw LockstepError(.configuration, "a coordinator without endpoints; give one")
            }
            for endpoint in bound where !endpoint.staysOnHost && keys == nil {
                throw LockstepError(
                    .configuration,
                    "\(endpoint): other hosts could connect without keys; name a folder of keys, which lockstep keygen makes, "
                        + "or listen at 127.0.0.1")
            }
            options = Cluster.Options(endpoints: bound, workers: workers, allowsMixedKernels: false, keys: keys)
        }
        if configuration.model != nil { options.programVersion = try ProgramIdentity.versionWithExecutable() }
        return try Cluster(run, options, stop: stop)
    }

    private func workerProgram(_ executable: String?) throws(LockstepError) -> WorkerProgram {
        let isOwn = WorkerEntry.isInstalled
        guard configuration.model == nil || isOwn else {
            throw LockstepError(
                .workers,
                "the workers of a model of one's own are this program, started again: call "
                    + "Lockstep.workerMain(\(configuration.model?.name ?? "").self) at its beginning")
        }
        if isOwn, executable == nil { return WorkerProgram(command: [WorkerEntry.command]) }
        if configuration.model != nil { return WorkerProgram(executable: executable, command: [WorkerEntry.command]) }
        return WorkerProgram(executable: try Workers(1, executable: executable).executable, command: ["worker"])
    }
}

extension RunNotice {
    /// The notice in a sentence without its full stop; nil: it concerns the command only.
    fileprivate var text: String? {
        switch self {
        case .warning(let text), .damagedCheckpoint(let text): text
        case .cluster(.joined(let member, let active), _): "\(member) has joined; \(active) present"
        case .cluster(.lost(let member, let reason, _, let active), let ending):
            "\(member) is lost: \(reason)\(ending.map { ", \($0)" } ?? ""); \(active) present"
        case .cluster(.left(let member, let goodbye, let active), _):
            "\(member) has left: \(goodbye.message); \(active) present"
        case .cluster(.refused(_, let refusal), _): "a worker is refused: \(refusal.message)"
        case .cluster(.notProved(let member, let reason, _), _): "\(member) does not take part: \(reason)"
        default: nil
        }
    }
}

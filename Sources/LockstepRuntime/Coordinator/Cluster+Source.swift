import LockstepCluster
import LockstepCompute
import LockstepData
import LockstepModel
import LockstepProtocol
import LockstepSharding
import LockstepSystem
import LockstepTimeline
import LockstepTraining

/// Makes what a run's steps need: the shared memory, and the gradient source.
extension Cluster {
    /// Makes the memory that this host's workers can map: the data set, and space for the weights.
    ///
    /// - Returns: nil if payload is sent in messages.
    /// - Throws: `SystemError` if the run requires shared memory and there is none.
    func makeRegions(notify: (ClusterNotice, String?) -> Void) throws -> RegionServer? {
        guard options.transport != .inline else { return nil }
        do {
            let layout = RegionLayout(
                parameters: run.layout.count, shards: run.schedule.shards,
                dataType: run.configuration.communicationDataType
            )
            let data = try shareData()
            // Workers that this process starts ask over their standard input. Other workers need a named socket.
            let name = localWorkers == nil ? "lockstep-\(Host.processID)-\(UInt64.random(in: 0 ... .max))" : nil
            let regions = try RegionServer(
                layout: layout, data: data, run: number, hasMailboxes: options.transport.usesMailboxes, name: name)
            try localWorkers?.watchSockets { try regions.watch($0) }
            return regions
        } catch let error as SystemError where options.transport == .auto {
            notify(.memoryUnshared(reason: "\(error)"), nil)
            return nil
        }
    }

    /// The data set's shared memory. A data set that is not in shared memory is copied into it first.
    private func shareData() throws -> SharedRegion {
        if let region = run.dataset.region { return region }
        let copy = try SharedRegion(name: "lockstep-data", copying: run.dataset.bytes)
        run.dataset = try Dataset(
            description: run.dataset.description, bytes: UnsafeRawBufferPointer(copy.bytes), owner: copy)
        return copy
    }

    func makeSource(
        _ parameters: VersionedParameters, _ regions: RegionServer?,
        notify: @escaping (ClusterNotice, String?) -> Void
    ) throws -> ClusterGradientSource {
        let (served, hooks) = try makeServedRun(regions, notify: notify)
        return ClusterGradientSource(
            served, link: link, context: context, parameters: parameters, record: events, hooks: hooks)
    }

    /// Makes what a coordinator's loop needs: the run as its workers see it, and what the loop calls in this process.
    func makeServedRun(
        _ regions: RegionServer?, notify: @escaping (ClusterNotice, String?) -> Void
    ) throws -> (ClusterRun, ProcessHooks) {
        let welcome = Welcome(
            configuration: run.configuration, dataset: run.dataset.description, regions: regions?.address,
            timeline: options.timeline, isNoOp: options.workersAreNoOp ? true : nil,
            level: options.level == 0 ? nil : options.level)
        let computer = try run.makeShardComputer()
        computer.timeline = timeline
        let configuration = CoordinatorMachine.Configuration(
            minimumWorkers: options.workers.lowerBound, maximumWorkers: options.workers.upperBound,
            chunks: run.layout.chunks.chunks.count, dataBytes: UInt64(run.dataset.bytes.count),
            programVersion: options.programVersion,
            expected: Ready(kernel: run.library.kernel, try run.fingerprint ?? computer.provedFingerprint()),
            allowsMixedKernels: options.allowsMixedKernels, deadlines: deadlines,
            tunesWorkerCount: options.tunesWorkerCount, splitsRoot: run.configuration.communicationDataType == .bfloat16
        )
        let hooks = ProcessHooks(
            notify: { [unowned self] notice, step, logTail in
                if notice.callsForCheckpoint { requestSave() }
                var ending: String?
                switch notice {
                case .lost(let member, _, _, _), .notProved(let member, _, saidGoodbye: false):
                    ending = localWorkers?.ending(ofProcess: member.processID)
                default: break
                }
                localWorkers?.update(with: notice)
                if case .left(let member, let goodbye, _) = notice, goodbye.code == .modelFailed {
                    modelFailure = RunError.modelFailed(worker: "\(member)", reason: goodbye.message)
                }
                let log = notice.removedWorker.flatMap { localWorkers?.log(ofProcess: $0.processID) }
                failureLog.record(notice, step: step, ending: ending, log: log, logTail: logTail)
                notify(notice, ending)
            },
            check: { [unowned self] isGathering, activeWorkers in
                ServiceManager.current?.ping(now: .now)
                if let modelFailure { throw modelFailure }
                let isNeeded = !options.tunesWorkerCount
                try checkStop(isPointless: isGathering || (isNeeded && activeWorkers == 0))
                try localWorkers?.check(isGathering: isGathering, isNeeded: isNeeded) { notify($0, nil) }
                try started.remote?.check(isGathering: isGathering, isNeeded: isNeeded && activeWorkers == 0)
            },
            nextCheck: { [unowned self] in
                Instant.earlier(
                    Instant.earlier(started.nextDue, stopDeadline), ServiceManager.current?.nextPing)
            },
            restarts: { [unowned self] in started.restarts },
            descriptors: stop.map { [$0.descriptor] } ?? [])
        let served = ClusterRun(
            number: number, welcome: try welcome.encoded(), dataset: run.dataset, model: run.model,
            dataType: run.configuration.communicationDataType, computer: computer,
            audits: AuditSchedule(fraction: options.auditedFraction, seed: run.configuration.training.seed),
            regions: regions, transport: options.transport, timeline: timeline, configuration: configuration)
        return (served, hooks)
    }

    /// Throws if the process was asked to stop and waiting is pointless or has taken long enough: then the step under way
    /// is finished without the workers.
    private func checkStop(isPointless: Bool) throws {
        guard let stop, let signal = stop.requested else { return }
        if isPointless { throw RunError.interrupted(signal: signal) }
        guard let stopDeadline else {
            stop.acknowledge()
            stopDeadline = Instant.now.advanced(bySeconds: deadlines.stop)
            return
        }
        if stopDeadline <= .now { throw RunError.interrupted(signal: signal) }
    }
}

package import LockstepCluster
import LockstepCompute
package import LockstepCostModel
import LockstepData
import LockstepNetwork
import LockstepProtocol
import LockstepSharding
package import LockstepSystem
import LockstepTimeline
package import LockstepTraining
package import ZeroMQ

/// A coordinator that listens, and the run that it is to train.
package final class Cluster {
    var run: PreparedRun
    let options: Options
    let deadlines: Deadlines
    let context: Context
    let link: CoordinatorLink
    let events: EventRecordFile?
    let stop: StopSignals?
    private var runtimeDirectory: RuntimeDirectory?
    var localWorkers: LocalWorkers?
    /// Of this process.
    let timeline: Timeline?
    /// Where the time of a run went, once it has been trained, if the options ask for it.
    package private(set) var timelines: [ProcessTimeline] = []
    /// What has gone wrong since all was well.
    package let failureLog: FailureLog
    /// The last protocol events of a run that failed, a line each.
    package private(set) var lastEvents: [String] = []
    /// What a step was predicted to take, once the workers were there.
    package private(set) var prediction: CostModel?
    /// Drawn anew by every coordinator process.
    let number = UInt32.random(in: 1...UInt32.max)

    /// Binds the endpoints, so that one in use is found before anything else starts.
    ///
    /// - Parameters:
    ///   - run: What to train.
    ///   - options: Where to listen and whom to admit.
    ///   - stop: The signals that end the run early; nil in a program that keeps its signals to itself.
    /// - Throws: Which endpoint cannot be bound, or what else is missing.
    package init(_ run: PreparedRun, _ options: Options, stop: StopSignals?) throws {
        self.run = run
        self.options = options
        self.stop = stop
        self.timeline = options.timeline?.makeTimeline()
        self.failureLog = FailureLog(wanted: options.workers.lowerBound)
        self.deadlines = Deadlines(
            start: run.configuration.timeouts.start, rejoin: run.configuration.timeouts.rejoin)
        self.events = try options.eventRecord.map { try EventRecordFile(path: $0) }
        var endpoints = options.endpoints
        if endpoints.isEmpty {
            let directory = try RuntimeDirectory.make()
            endpoints = [.ipc(path: directory.path + "/coordinator")]
            runtimeDirectory = consume directory
        }
        // One for ipc, and another for what strangers may reach.
        let ioThreads: Int32 = endpoints.allSatisfy(\.isIPC) ? 1 : 2
        let context = try Context(
            Context.Options(
                ioThreads: ioThreads, sharesReceiveBuffers: false, isInterrupted: { stop?.requested != nil }))
        self.context = context
        // Where no core is free, libzmq's threads wait until all workers' tasks have been handed to them.
        let limits = ConnectionLimits(
            gradientBytes: RegionLayout.slots(shards: run.schedule.shards) * run.layout.count
                * MemoryLayout<Float>.stride)
        self.link = try Thread.withBatchScheduling { [deadlines] in
            try CoordinatorLink(
                context: context, ioThreads: ioThreads, binding: endpoints, keys: options.keys, limits: limits,
                deadlines: deadlines)
        }
    }

    /// What was bound, with the ports that 0 became.
    package var endpoints: [Endpoint] { link.endpoints }

    /// The signal that asked the process to stop, if one has.
    package var stopSignal: Int32? { stop?.requested }

    /// Starts workers on this host.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - executable: The program `lockstep`; nil where this process runs it.
    ///   - arguments: More of their command line.
    ///   - log: The path of the log of the worker with this number.
    /// - Throws: `SystemError` if a log cannot be written or a process not started.
    package func startLocalWorkers(
        _ count: Int, executable: String? = nil, arguments: [String], log: @escaping (Int) -> String
    ) throws {
        guard let endpoint = endpoints.first else { return }
        let workers = try LocalWorkers(
            count: count, executable: executable, endpoint: endpoint, arguments: arguments,
            maximumRestarts: options.maximumRestarts, deadlines: deadlines, log: log)
        // Stopped ones would not notice that the process has ended.
        stop?.setCleanup(workers.killAll)
        localWorkers = workers
    }

    /// Waits for the workers, trains, and sends them home.
    package func train(
        observers: [any RunObserver], checkpoints: (any CheckpointStore)? = nil,
        notify: @escaping (ClusterNotice, _ ending: String?) -> Void
    ) throws -> RunOutcome {
        try serve(notify: notify) { source, parameters, threadPool in
            let model = try predict(with: source)
            prediction = model
            // The only worker may have been lost meanwhile.
            notify(
                .prediction(
                    model.prediction(
                        batch: run.schedule.batch, shards: run.schedule.shards, workers: max(1, source.membersPresent),
                        limit: run.schedule.samples)), nil)
            if options.tunesWorkerCount {
                try source.predict(model.steps(of: run.schedule, workers: source.membersPresent))
            }
            let outcome = try run.train(
                with: source, parameters: parameters, observers: observers, checkpoints: checkpoints,
                threadPool: threadPool,
                timeline: timeline
            ) {
                [stop] in stop?.requested != nil
            }
            if let timeline {
                let own = ProcessTimeline(of: timeline, name: "coordinator", processID: UInt32(Host.processID))
                timelines = [own] + (try source.collectTimelines())
            }
            return (
                outcome,
                outcome.interrupted
                    ? Goodbye(code: .stopping, message: "the coordinator was asked to stop")
                    : Goodbye(code: .finished, message: "the run is finished")
            )
        }
    }

    /// Waits for the workers, has `body` take steps, and sends the workers home.
    ///
    /// - Parameters:
    ///   - notify: Told of joins, losses and refusals, and how a lost local worker's process ended.
    ///   - body: Given what takes the steps, valid during the call.
    /// - Throws: What `body` throws, or why the workers could not be had.
    package func withRunner(
        notify: @escaping (ClusterNotice, _ ending: String?) -> Void, _ body: (StepRunner) throws -> Void
    ) throws {
        try serve(notify: notify) { source, parameters, threadPool in
            let runner = StepRunner(
                run, source: source, parameters: parameters, threadPool: threadPool, timeline: timeline ?? Timeline(),
                collect: source.collectTimelines)
            try body(runner)
            return ((), Goodbye(code: .finished, message: "the trial is over"))
        }
    }

    /// Everything around a run's steps: `body` takes them, and says what the workers are told at the end.
    private func serve<Result>(
        notify: @escaping (ClusterNotice, String?) -> Void,
        _ body: (ClusterGradientSource, VersionedParameters, ThreadPool) throws -> (Result, Goodbye)
    ) throws -> Result {
        let regions = try makeRegions(notify: notify)
        let parameters = try run.initialParameters(in: regions?.weights)
        let source = try makeSource(parameters, regions, notify: notify)
        let threadPool = ThreadPool(threadCount: poolThreadCount)
        defer {
            threadPool.shutdown()
            localWorkers?.stop(grace: deadlines.exitGrace)
            // The weights are sent by reference: they must outlive the last message.
            withExtendedLifetime(parameters) { try? context.terminate() }
        }
        do {
            try source.gather()
            let (result, goodbye) = try body(source, parameters, threadPool)
            try source.finish(goodbye)
            return result
        } catch {
            lastEvents = source.historyLines
            failureLog.record(localWorkers?.deaths ?? [], step: source.step)
            try? source.finish(Goodbye(code: .failed, message: "\(error)"))
            throw error
        }
    }

    /// Threads that share the reduction and the update: they use the cores of local workers that wait for weights.
    /// 0 for a small network: waking a thread would cost more than it saves.
    private var poolThreadCount: Int {
        run.layout.count < 4 * ChunkUpdate.tileSize ? 0 : min(Host.coreCount - 1, Self.maximumPoolThreads)
    }

    /// A few threads use up the bandwidth of the memory, which limits both.
    private static let maximumPoolThreads = 7
}

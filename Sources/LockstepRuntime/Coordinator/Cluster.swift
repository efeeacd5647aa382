package import LockstepCluster
import LockstepCompute
package import LockstepCostModel
import LockstepData
import LockstepModel
import LockstepProtocol
import LockstepSharding
package import LockstepSystem
package import LockstepTimeline
package import LockstepTraining
import Synchronization
package import ZeroMQ

/// A coordinator that listens for workers, and the run that it trains.
package final class Cluster {
    /// What the run shows about itself.
    struct Findings {
        var timelines: [ProcessTimeline] = []
        var lastEvents: [String] = []
        var calibration: Calibration.Result?
        /// Counts what other programs use, since before the calibration.
        var use: ProcessorUse?
        var prediction: StepPrediction?
        /// What takes the run's steps, while its workers are there.
        weak var source: ClusterGradientSource?
    }

    package internal(set) var run: TrainingRun
    let options: Options
    let deadlines: Deadlines
    let context: Context
    let link: CoordinatorLink
    let events: EventRecordFile?
    let stop: StopSignals?
    private var runtimeDirectory: SocketFolder?
    var started = StartedWorkers()
    var localWorkers: LocalWorkers? { started.local }
    /// The timeline of this process; nil if the options ask for none.
    package let timeline: Timeline?
    /// The failures since the run last had all its workers.
    package let failureLog: FailureLog
    var findings = Findings()
    /// How often a checkpoint was wanted because workers leave.
    private let saveRequests = Atomic<Int>(0)
    /// Why the run ends: the code of the program's own model has thrown an error in a worker.
    var modelFailure: RunError?
    /// When a stopping run stops waiting for its workers; nil before a request to stop.
    var stopDeadline: Instant?
    /// The run's number, a random one for every coordinator process.
    let number = UInt32.random(in: 1...UInt32.max)

    /// The timelines of all processes after training, if the options ask for them.
    package var timelines: [ProcessTimeline] { findings.timelines }
    /// The last protocol events of a failed run, one a line.
    package var lastEvents: [String] { findings.lastEvents }
    /// What the first step was predicted to take; nil before that.
    package var prediction: StepPrediction? { findings.prediction }
    /// The run and its workers; nil before the first step and after the last. For the training thread, between two steps.
    package var statusReport: StatusReport? { findings.source.flatMap { try? $0.statusReport() } }

    /// Binds the endpoints. An endpoint that is in use is so found before anything else starts.
    ///
    /// - Parameters:
    ///   - run: What to train.
    ///   - options: Where to listen, which workers to admit, and how to use them.
    ///   - stop: The signals that end the run early; nil in a program that handles its signals itself.
    /// - Throws: The endpoint that cannot be bound, or the system's error.
    package convenience init(_ run: TrainingRun, _ options: Options, stop: StopSignals?) throws {
        try self.init(run, options, stop: stop, context: nil)
    }

    /// Binds the endpoints. `shared`: the process's context, if it has one already, because a process has only one.
    init(_ run: TrainingRun, _ options: Options, stop: StopSignals?, context shared: Context?) throws {
        self.run = run
        self.options = options
        self.stop = stop
        self.timeline = options.timeline?.makeTimeline()
        self.failureLog = FailureLog(wanted: options.workers.lowerBound)
        self.deadlines = Deadlines(
            start: run.configuration.timeouts.start, rejoin: run.configuration.timeouts.rejoin
        ).atLevel(options.level)
        self.events = try options.eventRecord.map { try EventRecordFile(path: $0) }
        var endpoints = options.endpoints
        if endpoints.isEmpty {
            let directory = try SocketFolder.make()
            endpoints = [.ipc(path: directory.path + "/coordinator")]
            runtimeDirectory = consume directory
        }
        // One thread serves ipc; a second one serves TCP, which other hosts reach.
        let ioThreads: Int32 = endpoints.allSatisfy(\.isIPC) ? 1 : 2
        let context =
            try shared
            ?? Context(
                Context.Options(
                    ioThreads: ioThreads, sharesReceiveBuffers: false, isInterrupted: { stop?.requested != nil }))
        self.context = context
        let limits = ConnectionLimits(
            gradientBytes: RegionLayout.slots(shards: run.schedule.shards) * run.layout.count
                * MemoryLayout<Float>.stride)
        // So that libzmq's threads, if no core is free, do not preempt the loop while it sends the workers their tasks.
        self.link = try Thread.withBatchScheduling { [deadlines] in
            try CoordinatorLink(
                context: context, ioThreads: ioThreads, binding: endpoints, keys: options.keys, limits: limits,
                deadlines: deadlines)
        }
    }

    /// The bound endpoints; a port of 0 is replaced by the port that the system chose.
    package var endpoints: [Endpoint] { link.endpoints }

    /// How often a checkpoint was wanted because workers leave: a worker was told to stop, or the last one has gone.
    package var saveRequestCount: Int { saveRequests.load(ordering: .relaxed) }

    func requestSave() { saveRequests.add(1, ordering: .relaxed) }

    /// Starts workers on this host.
    ///
    /// - Parameters:
    ///   - count: The number of workers.
    ///   - executable: The path of `lockstep`; nil if this process runs it.
    ///   - arguments: The workers' further arguments.
    ///   - log: Returns the log's path for a worker's number.
    /// - Throws: `SystemError` if a log cannot be written or a process cannot be started.
    package func startLocalWorkers(
        _ count: Int, executable: String? = nil, arguments: [String], log: @escaping (Int) -> String
    ) throws {
        try startLocalWorkers(count, executable: executable, arguments: arguments, output: .logs(log))
    }

    func startLocalWorkers(
        _ count: Int, executable: String?, arguments: [String], output: LocalWorkers.Output
    ) throws {
        guard let endpoint = endpoints.first else { return }
        let program = executable.map { WorkerProgram(executable: $0) } ?? options.workerProgram
        let workers = try LocalWorkers(
            count: count, program: program, endpoint: endpoint, arguments: arguments,
            maximumRestarts: options.maximumRestarts, deadlines: deadlines, output: output)
        // A stopped worker (SIGSTOP) does not notice that this process has ended.
        stop?.setCleanup(workers.killAll)
        started.local = workers
    }

    /// Adds workers that a launcher has started on other hosts. They end with the run.
    package func add(_ workers: any RemoteWorkers) {
        stop?.setCleanup(workers.killAll)
        started.remote = workers
    }

    /// Waits for the workers, trains, and dismisses the workers.
    ///
    /// - Parameters:
    ///   - observers: Called with the run's progress.
    ///   - checkpoints: Where checkpoints are saved; nil: nowhere.
    ///   - notify: Called with joins, losses and refusals, and how a lost local worker's process ended.
    /// - Returns: How the run ended.
    /// - Throws: The error that ends the run.
    package func train(
        observers: [any RunObserver], checkpoints: (any CheckpointStore)? = nil,
        notify: @escaping (ClusterNotice, _ ending: String?) -> Void
    ) throws -> RunOutcome {
        try calibrate()
        return try serve(notify: notify) { session in
            let source = session.source
            let (model, prediction) = try predict(with: source)
            notify(.prediction(prediction), nil)
            if options.tunesWorkerCount {
                let workers = source.membersPresent
                try source.predict(
                    model.steps(of: run.schedule, workers: workers),
                    withCoordinator: model.stepsWithCoordinator(of: run.schedule, workers: workers))
            }
            let outcome = try run.train(
                with: source, parameters: session.parameters, observers: observers,
                checkpoints: InjectedMemoryFault.wrap(checkpoints, run.dataset), threadPool: session.threadPool,
                timeline: timeline
            ) { [stop] in stop?.requested != nil }
            if let timeline {
                let own = ProcessTimeline(of: timeline, name: "coordinator", processID: UInt32(Host.processID))
                findings.timelines = [own] + (try source.collectTimelines())
            }
            return (
                outcome,
                outcome.interrupted
                    ? Goodbye(code: .stopping, message: "the coordinator was asked to stop")
                    : Goodbye(code: .finished, message: "the run is finished")
            )
        }
    }

    /// Waits for the workers, calls `body`, and dismisses the workers.
    ///
    /// - Parameters:
    ///   - notify: Called with joins, losses and refusals, and how a lost local worker's process ended.
    ///   - body: Takes steps with the session, which is valid during the call.
    /// - Throws: What `body` throws, or why the run has no workers.
    package func withSession(
        notify: @escaping (ClusterNotice, _ ending: String?) -> Void, _ body: (Session) throws -> Void
    ) throws {
        try serve(notify: notify) { session in
            try body(session)
            return ((), Goodbye(code: .finished, message: "the trial is over"))
        }
    }

    /// What takes a run's steps while its workers are there.
    package struct Session {
        let source: ClusterGradientSource
        /// The weights of the first step.
        package let parameters: VersionedParameters
        package let threadPool: ThreadPool
        /// Where workers of this host ask for shared memory; nil if payload travels in messages.
        let regions: Welcome.Regions?

        /// Computes the gradients of a step on the workers.
        package var gradients: any GradientSource { source }

        /// The workers' timelines since the last call.
        ///
        /// - Throws: The error that ends the run.
        package func collectTimelines() throws -> [ProcessTimeline] { try source.collectTimelines() }
    }

    /// Does everything around a run's steps: starts the gradient source, waits for the workers, calls `body`, and
    /// dismisses the workers with the goodbye that `body` returns.
    func serve<Result>(
        notify: @escaping (ClusterNotice, String?) -> Void, _ body: (Session) throws -> (Result, Goodbye)
    ) throws -> Result {
        let regions = try makeRegions(notify: notify)
        let parameters = try run.initialParameters(in: regions?.weights)
        let source = try makeSource(parameters, regions, notify: notify)
        findings.source = source
        let threadPool = ThreadPool(threadCount: poolThreadCount)
        defer {
            threadPool.shutdown()
            stopWorkers()
            // The weights are sent by reference: they must outlive the last message.
            withExtendedLifetime(parameters) { try? context.terminate() }
        }
        do {
            try source.gather()
            let (result, goodbye) = try body(
                Session(source: source, parameters: parameters, threadPool: threadPool, regions: regions?.address))
            try source.finish(goodbye)
            return result
        } catch {
            findings.lastEvents = source.historyLines
            failureLog.record(localWorkers?.deaths ?? [], step: source.step)
            try? source.finish(Goodbye(code: .failed, message: "\(error)"))
            throw error
        }
    }

    /// Waits for the started workers to end, and ends those that do not.
    func stopWorkers() {
        started.stop(grace: stop?.requested == nil ? deadlines.exitGrace : deadlines.hurriedExitGrace)
    }

    /// The number of threads that help with the reduction and the update. They use the cores of local workers, which
    /// wait for weights then. 0 for a small network: waking a thread costs more than it saves.
    private var poolThreadCount: Int {
        run.layout.count < 4 * ChunkUpdate.tileSize ? 0 : min(Host.coreCount - 1, Self.maximumPoolThreads)
    }

    /// Few threads suffice: the bandwidth of the memory limits reduction and update.
    private static let maximumPoolThreads = 7
}

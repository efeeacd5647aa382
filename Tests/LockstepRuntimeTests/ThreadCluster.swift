import LockstepCluster
import LockstepCompute
import LockstepData
import LockstepNetwork
import LockstepProtocol
import LockstepSharding
import LockstepSystem
import LockstepTesting
import LockstepTraining
import Synchronization
import Testing
import ZeroMQ

@testable import LockstepRuntime

/// A coordinator on the calling thread and workers on threads of their own, connected by a real Unix socket.
struct ThreadCluster: Sendable {
    var workers: [Transport]
    var transport = Transport.auto
    /// The fraction of the steps that are audited.
    var auditedFraction = 0.0
    /// The predicted seconds of a step with 0, 1, ... workers; nil: the number of computing workers is not tuned.
    var predictions: [Double]?
    /// Seconds to wait for the first workers.
    var start = 60.0
    /// Called by each worker, with its index, whenever it has handled a message; true makes it leave.
    var probe: @Sendable (Int) -> Bool = { _ in false }
    /// Called between steps on the coordinator's thread.
    var betweenSteps: @Sendable () -> Void = {}
    /// Called with the address of the shared memory's socket, once workers may connect to it.
    var whenListening: @Sendable (Welcome.Regions?) -> Void = { _ in }

    /// The results of a run.
    struct Result {
        var outcome: RunOutcome
        /// How each worker ended.
        var endings: [String]
        var notices: [ClusterNotice]
    }

    /// A run on synthetic data.
    static func prepare(
        shards: Int, batch: Int = 12, epochs: Int = 2, samples: Int = 120, hidden: Int = 7,
        dataType: CommunicationDataType = .float32
    ) throws -> PreparedRun {
        var random = SplitMix64(seed: 5)
        let inputs = 20
        let labels = (0..<samples + 40).map { _ in UInt16.random(in: 0..<4, using: &random) }
        let features = labels.flatMap { label in
            (0..<inputs).map { UInt8(($0 * 31 + Int(label) * 57) % 200 + Int.random(in: 0..<50, using: &random)) }
        }
        let dataset = try Dataset.make(
            name: "synthetic", inputSize: inputs, features: features, labels: labels, validation: 20, test: 20,
            classCount: 4)
        let configuration = RunConfiguration(
            name: "threads", data: .named("synthetic"),
            network: Architecture(sizes: [inputs, hidden, 4]),
            training: TrainingOptions(epochs: epochs, batch: batch), optimizer: .sgd(learningRate: 1),
            communicationDataType: dataType, shards: shards)
        return try PreparedRun(configuration: configuration, dataset: dataset, workers: 1, kernel: .portable)
    }

    func train(_ run: PreparedRun) throws -> Result {
        let folder = try TemporaryFolder()
        let context = try Context()
        let deadlines = Deadlines(start: start, rejoin: 20)
        let endpoint = Endpoint.ipc(path: folder("coordinator"))
        let link = try CoordinatorLink(
            context: context, ioThreads: 1, binding: [endpoint], keys: nil,
            limits: ConnectionLimits(gradientBytes: 1 << 20), deadlines: deadlines)
        let number: UInt32 = 77
        let regions = transport == .inline ? nil : try makeRegions(run, number)
        whenListening(regions?.address)
        let parameters = try run.initialParameters(in: regions?.weights)
        var notices: [ClusterNotice] = []
        let computer = try ShardComputer(
            configuration: run.configuration, dataset: run.dataset, library: run.library)
        let served = ClusterRun(
            number: number,
            welcome: try Welcome(
                configuration: run.configuration, dataset: run.dataset.description, regions: regions?.address
            ).encoded(),
            dataset: run.dataset, layout: run.layout, dataType: run.configuration.communicationDataType,
            computer: computer,
            audits: AuditSchedule(fraction: auditedFraction, seed: run.configuration.training.seed), regions: regions,
            transport: transport, timeline: nil,
            configuration: CoordinatorMachine.Configuration(
                minimumWorkers: workers.count, maximumWorkers: workers.count,
                chunks: run.layout.chunks.chunks.count, dataBytes: UInt64(run.dataset.bytes.count),
                programVersion: programVersion, expected: Ready(kernel: run.library.kernel, computer.fingerprint()),
                allowsMixedKernels: false, deadlines: deadlines,
                tunesWorkerCount: predictions != nil, splitsRoot: run.configuration.communicationDataType == .bfloat16))
        let source = ClusterGradientSource(
            served, link: link, context: context, parameters: parameters,
            hooks: ProcessHooks(
                notify: { notice, _, _ in notices.append(notice) }, check: { _, _ in }, nextCheck: { nil },
                descriptors: []))
        let endings = Endings(count: workers.count)
        let threads = Workers()
        let loops = Loops()
        for index in workers.indices {
            threads.start { [self] in
                endings[index] = work(index, context, endpoint, deadlines, cache: folder.path, keeping: loops)
            }
        }
        // libzmq sends weights and gradients from these buffers, so they must live until the last message is sent.
        defer { withExtendedLifetime((parameters, loops, folder)) { try? context.terminate() } }
        // The threads end before the context, which waits for their sockets.
        defer { threads.join() }
        do {
            try source.gather()
            if let predictions { try source.predict(predictions) }
            let outcome = try run.train(with: source, parameters: parameters, observers: [], checkpoints: nil) {
                betweenSteps()
                return false
            }
            try source.finish(Goodbye(code: .finished, message: "done"))
            threads.join()
            return Result(outcome: outcome, endings: endings.all, notices: notices)
        } catch {
            try? source.finish(Goodbye(code: .failed, message: "\(error)"))
            throw error
        }
    }

    private func makeRegions(_ run: PreparedRun, _ number: UInt32) throws -> RegionServer {
        try RegionServer(
            layout: RegionLayout(
                parameters: run.layout.count, shards: run.schedule.shards,
                dataType: run.configuration.communicationDataType
            ),
            data: try SharedRegion(name: "data", copying: run.dataset.bytes), run: number,
            name: "lockstep-test-\(UInt64.random(in: 0 ... .max))")
    }

    /// A worker, from its connection to its end.
    private func work(
        _ index: Int, _ context: Context, _ endpoint: Endpoint, _ deadlines: Deadlines, cache: String,
        keeping loops: Loops
    ) -> String {
        do {
            let link = try WorkerLink(context: context, connectingTo: endpoint, deadlines: deadlines)
            let options = WorkerOptions(
                host: "thread", processID: Int32(index), kernel: nil, transport: workers[index],
                cache: DataCache(directory: cache), notify: { _ in })
            let loop = WorkerLoop(
                link: link, context: context, deadlines: deadlines, options: options, interruption: nil,
                shouldStop: { [probe] in probe(index) })
            defer { link.close() }
            loops.add(loop)
            try loop.run()
            return "returned"
        } catch {
            return "\(error)"
        }
    }
}

/// Retains the loops of workers that have ended until libzmq no longer reads their gradients.
private final class Loops: @unchecked Sendable {
    private let lock = Mutex(())
    private var all: [WorkerLoop] = []

    func add(_ loop: WorkerLoop) {
        lock.withLock { _ in all.append(loop) }
    }
}

/// The threads of the workers, joined once.
private final class Workers {
    private var threads: [Handle] = []

    private final class Handle {
        var thread: Thread?
        init(_ thread: consuming Thread) { self.thread = consume thread }
    }

    func start(_ body: @escaping @Sendable () -> Void) {
        do {
            threads.append(Handle(try Thread(name: "worker") { body() }))
        } catch {
            Issue.record(error)
        }
    }

    func join() {
        for handle in threads {
            if let thread = handle.thread.take() { thread.join() }
        }
        threads.removeAll()
    }
}

/// How the workers ended, by index.
private final class Endings: Sendable {
    private let texts: Mutex<[String]>

    init(count: Int) {
        texts = Mutex(Array(repeating: "", count: count))
    }

    var all: [String] { texts.withLock { $0 } }

    subscript(index: Int) -> String {
        get { texts.withLock { $0[index] } }
        set { texts.withLock { $0[index] = newValue } }
    }
}

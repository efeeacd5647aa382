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
    /// The predicted seconds of a step with the coordinator beside 1, 2, ... workers.
    var predictionsWithCoordinator: [Double] = []
    /// Called by each worker, with its index, whenever it has handled a message; true makes it leave.
    var probe: @Sendable (Int) -> Bool = { _ in false }
    /// Called between steps on the coordinator's thread.
    var betweenSteps: @Sendable () -> Void = {}
    /// Called with the coordinator's gradient source and the initial weights before the first step.
    var beforeTraining: @Sendable (ClusterGradientSource, VersionedParameters) throws -> Void = { _, _ in }
    /// Called with the run's number and the address of the shared memory's socket before the first step.
    var beforeSteps: @Sendable (UInt32, Welcome.Regions?) -> Void = { _, _ in }

    /// The results of a run.
    struct Result {
        var outcome: RunOutcome
        /// How each worker ended.
        var endings: [String]
        var notices: [ClusterNotice]
    }

    /// A run on synthetic data.
    ///
    /// - Parameters:
    ///   - shards: Shards of a mini-batch.
    ///   - batch: Samples of a mini-batch.
    ///   - epochs: Epochs.
    ///   - samples: Training samples.
    ///   - hidden: Hidden neurons of the network, which is 20-`hidden`-4.
    ///   - layers: Layers that follow images of 6 x 6 pixels, in place of that network; the last has 4 neurons.
    ///   - dataType: The element type of messages.
    ///   - clipNorm: The largest norm of a gradient.
    ///   - augmentation: How images are altered.
    ///   - evaluatesEvery: Epochs between two evaluations.
    ///   - secondsToStart: How long the coordinator waits for its workers.
    /// - Returns: The run, before its first step.
    /// - Throws: An error if the run is impossible.
    static func prepare(
        shards: Int, batch: Int = 12, epochs: Int = 2, samples: Int = 120, hidden: Int = 7,
        layers: [any LayerKind] = [], dataType: CommunicationDataType = .float32, clipNorm: Double? = nil,
        augmentation: AugmentationOptions = AugmentationOptions(), evaluatesEvery: Int = 1,
        secondsToStart: Double = 60
    ) throws -> TrainingRun {
        var random = SplitMix64(seed: 5)
        let inputs = layers.isEmpty ? 20 : 36
        let labels = (0..<samples + 40).map { _ in UInt16.random(in: 0..<4, using: &random) }
        let features = labels.flatMap { label in
            (0..<inputs).map { UInt8(($0 * 31 + Int(label) * 57) % 200 + Int.random(in: 0..<50, using: &random)) }
        }
        let dataset = try Dataset.make(
            name: "synthetic", inputSize: inputs, features: features, labels: labels, validation: 20, test: 20,
            classCount: 4)
        let configuration = RunConfiguration(
            name: "threads", data: .named("synthetic"),
            network: layers.isEmpty
                ? Architecture(sizes: [inputs, hidden, 4])
                : Architecture(input: [1, 6, 6], layers: layers, initializer: .scaledNormal),
            training: TrainingOptions(epochs: epochs, batch: batch, clipNorm: clipNorm),
            optimizer: .sgd(learningRate: 1), augmentation: augmentation,
            evaluation: EvaluationOptions(every: evaluatesEvery),
            timeouts: TimeoutOptions(start: secondsToStart, rejoin: 20), communicationDataType: dataType, shards: shards
        )
        return try TrainingRun(configuration: configuration, dataset: dataset, workers: 1, kernel: .portable)
    }

    func train(_ run: TrainingRun) throws -> Result {
        let folder = try TemporaryFolder()
        let cluster = try Cluster(
            run,
            Cluster.Options(
                endpoints: [.ipc(path: folder("coordinator"))], workers: workers.count...workers.count,
                allowsMixedKernels: false, transport: transport, auditedFraction: auditedFraction,
                tunesWorkerCount: predictions != nil), stop: nil)
        let context = try Context()
        let (threads, loops, endings) = (Workers(), Loops(), Endings(count: workers.count))
        for index in workers.indices {
            threads.start { [self, deadlines = cluster.deadlines, endpoint = cluster.endpoints[0]] in
                endings[index] = work(index, context, endpoint, deadlines, cache: folder.path, keeping: loops)
            }
        }
        // libzmq sends gradients from the loops' buffers, so they must live until the last message is sent.
        defer { withExtendedLifetime((loops, folder)) { try? context.terminate() } }
        // The threads end before the context, which waits for their sockets.
        defer { threads.join() }
        var notices: [ClusterNotice] = []
        let outcome = try cluster.serve { notice, _ in
            notices.append(notice)
        } _: { session in
            beforeSteps(cluster.number, session.regions)
            if let predictions {
                try session.source.predict(predictions, withCoordinator: predictionsWithCoordinator)
            }
            try beforeTraining(session.source, session.parameters)
            let outcome = try cluster.run.train(
                with: session.source, parameters: session.parameters, observers: [], checkpoints: nil,
                threadPool: session.threadPool
            ) {
                betweenSteps()
                return false
            }
            return (outcome, Goodbye(code: .finished, message: "done"))
        }
        threads.join()
        return Result(outcome: outcome, endings: endings.all, notices: notices)
    }

    /// A worker, from its connection to its end.
    private func work(
        _ index: Int, _ context: Context, _ endpoint: Endpoint, _ deadlines: Deadlines, cache: String,
        keeping loops: Loops
    ) -> String {
        do {
            let link = try WorkerLink(
                context: context, connectingTo: EndpointRotation(endpoint), deadlines: deadlines)
            let options = WorkerOptions(
                host: "thread", processID: Int32(index), kernel: nil, transport: workers[index],
                cache: DataCache(directory: cache), notify: { _ in })
            let loop = WorkerLoop(
                link: link, context: context, deadlines: deadlines, options: options, interruption: nil,
                stop: WorkerLoop.StopRequest(isMade: { [probe] in probe(index) }))
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

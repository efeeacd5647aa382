import LockstepCluster
import LockstepCompute
import LockstepData
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepSystem
import LockstepTimeline
import LockstepTraining
import ZeroMQ

/// What an aggregator reports to the worker's loop that it computes for.
protocol AggregatorDelegate: CoordinatorLoopGuest {
    /// The membership in the run; nil if there is none.
    var membership: WorkerMachine.Membership? { get }
    /// Sends a chunk of a node's sum. The bytes do not change until the next step.
    func send(_ chunk: ChunkLayout.Chunk, _ bytes: UnsafeRawBufferPointer, of item: WorkItem) throws
    /// Sends a node's result after its chunks.
    func answer(_ item: WorkItem, lossSum: Double, after start: Instant) throws
    /// Sends the score of an evaluation block.
    func answer(_ item: WorkItem, with score: BlockScore, after start: Instant) throws
    /// Two workers' results differ: ends the worker if the data set has changed in memory.
    func verifyData() throws
    /// The coordinator has assigned what no step has.
    func rejectItem(_ item: WorkItem) throws
}

/// Lets several worker processes of a host be one worker of the run: a coordinator for them, and what computes for the
/// worker's loop above.
///
/// Towards the coordinator above nothing but the capacity in the hello differs from any worker: weights arrive once, assigned
/// nodes and blocks are answered. Towards its own workers it is a coordinator like the run's own, with the same loop, machine
/// and shared memory; but its steps come from above (``CoordinatorEvent/beginNodes(_:_:_:isAudited:)``), and the sums go
/// there instead of to an optimizer. A worker of its own that dies costs a node, which the machine gives to another one.
///
/// One thread serves both sides: it waits in the coordinator's loop, and the worker's loop is that loop's guest.
final class Aggregator {
    private let cluster: Cluster
    private let loop: CoordinatorLoop
    private let exchange: CoordinatorExchange
    private let sums: NodeSums
    /// The weights, in memory that the workers share. Those from above are written here.
    let parameters: VersionedParameters
    private weak var delegate: (any AggregatorDelegate)?
    /// Items that have been assigned and not begun, in the order of their arrival.
    private var waiting: [WorkItem] = []
    /// Blocks under way, and when they were begun.
    private var blocks: [WorkItem: Instant] = [:]
    /// The nodes' step under way, and when it was begun.
    private var nodes: (step: UInt64, begun: Instant) = (0, .now)
    /// The last step that is audited.
    private var auditedStep: UInt64?
    /// The membership that the items under way belong to.
    private var membership: WorkerMachine.Membership?
    /// Whether the last wait looked at the sockets of the worker's loop.
    private var hasLooked = false
    /// The chunks that have arrived of the weights that came last.
    private var arrived: (version: UInt64, chunks: Set<Int>) = (.max, [])

    /// The welcome's configuration, by which another welcome is recognised as one to the same work.
    private let configuration: RunConfiguration
    let ready: Ready

    /// Starts the workers and waits for them.
    ///
    /// - Parameters:
    ///   - welcome: The welcome of the coordinator above.
    ///   - dataset: Its data set.
    ///   - kernel: The kernel to use instead of the run's; nil: the run's.
    ///   - options: The worker processes.
    ///   - context: The process's context.
    ///   - stop: The signals that end the process.
    /// - Throws: Why there is no such kernel, no memory, or no worker.
    init(
        _ welcome: Welcome, dataset: Dataset, kernel: NumericKernel?, _ options: AggregatorOptions, context: Context,
        stop: StopSignals?
    ) throws {
        self.configuration = welcome.configuration
        var configuration = welcome.configuration
        let wanted = kernel ?? configuration.kernel ?? .portable
        configuration.kernel = wanted.isSupported ? wanted : NumericKernel.best ?? wanted
        let run = try TrainingRun(
            configuration: configuration, dataset: dataset, workers: options.processes, kernel: wanted)
        let cluster = try Cluster(
            run,
            Cluster.Options(
                endpoints: [], workers: 1...options.processes, allowsMixedKernels: false,
                maximumRestarts: options.maximumRestarts, level: (welcome.level ?? 0) + 1),
            stop: stop, context: context)
        self.cluster = cluster
        try cluster.startLocalWorkers(
            options.processes, executable: options.executable, arguments: options.arguments,
            output: .relay(options.relay))
        let regions = try cluster.makeRegions(notify: options.notify)
        let parameters = try cluster.run.initialParameters(in: regions?.weights)
        self.parameters = parameters
        let (served, hooks) = try cluster.makeServedRun(regions, notify: options.notify)
        ready = served.configuration.expected
        let loop = CoordinatorLoop(
            link: cluster.link, context: context, configuration: served.configuration, regions: regions, record: nil,
            timeline: nil, hooks: hooks)
        self.loop = loop
        exchange = CoordinatorExchange(loop: loop, served, parameters, reporter: NoticeReporter(hooks.notify))
        sums = NodeSums(
            layout: run.layout.chunks, shards: run.schedule.shards, dataType: configuration.communicationDataType)
        do {
            try loop.gather(
                options.processes, until: Instant.now.advanced(bySeconds: cluster.deadlines.start / 2))
            // From now on it waits for work without a deadline.
            try loop.handle(.addBlocks(version: 0, []))
        } catch {
            close(Goodbye(code: .failed, message: "\(error)"))
            throw error
        }
    }

    /// The data set, in the memory that the workers share.
    var dataset: Dataset { cluster.run.dataset }

    /// Whether an item is not answered.
    var isBusy: Bool { !waiting.isEmpty || !blocks.isEmpty || sums.isIncomplete }

    /// Whether this can compute for another membership with this welcome.
    func fits(_ welcome: Welcome, _ description: DatasetDescription) -> Bool {
        configuration == welcome.configuration && dataset.description == description
    }

    /// Has a worker's loop take part in the waits from now on.
    func serve(_ delegate: any AggregatorDelegate) {
        self.delegate = delegate
        loop.guest = self
    }

    /// Ends a membership's work, and waits until no worker computes: an answer to it would be taken for one to the next
    /// membership's.
    func abandonWork() throws {
        loop.guest = nil
        (waiting, blocks) = ([], [:])
        sums.abandon()
        try exchange.abandonStep()
        while loop.machine.hasOutstandingWork { try loop.poll { _ in } }
        loop.guest = self
    }

    /// Dismisses the workers, and waits until their processes have ended.
    func close(_ goodbye: Goodbye) {
        loop.guest = nil
        try? loop.finish(goodbye)
        cluster.stopWorkers()
    }

    /// Calls a function with the poller of the waits.
    func withPoller(_ body: (inout Poller) -> Void) { loop.withPoller(body) }

    // MARK: - From above

    /// Receives an item. It begins with the next poll.
    func assign(_ item: WorkItem, isAudited: Bool) {
        membership = delegate?.membership
        if isAudited { auditedStep = item.step }
        waiting.append(item)
    }

    /// Passes a chunk of the weights, which has been stored, on to workers that do not share memory.
    func publish(version: UInt64, chunk: Int) throws {
        if arrived.version != version { arrived = (version, []) }
        if !arrived.chunks.insert(chunk).inserted {
            // The coordinator repeats the step before: what the workers have of these weights is void.
            arrived.chunks = [chunk]
            try exchange.abandonStep()
        }
        guard !VersionedParameters.isReplacement(version) else { return }
        try loop.handle(.chunkUpdated(version: version, chunk: chunk))
    }

    // MARK: - Waits

    /// Begins what waits, and waits for messages of either side; handles those of this host's workers.
    ///
    /// - Returns: Whether the sockets of the worker's loop were looked at.
    /// - Throws: What ends the worker.
    func poll() throws -> Bool {
        try begin()
        hasLooked = false
        try loop.poll { try add($0) }
        try sendScores()
        return hasLooked
    }

    /// What the items under way are answered to: nil once their membership has ended.
    private var addressee: (any AggregatorDelegate)? {
        guard let delegate, membership != nil, delegate.membership == membership else { return nil }
        return delegate
    }

    /// Begins the items that wait, as far as nothing else is under way: all nodes of a step, or all blocks of a version.
    private func begin() throws {
        guard let first = waiting.first else { return }
        let batch = waiting.prefix { $0.kind == first.kind && $0.step == first.step }
        switch first.kind {
        case .node:
            guard blocks.isEmpty, !sums.isIncomplete else { return }
            let schedule = cluster.run.schedule
            let tree = schedule.tree(ofBatch: schedule.index(ofStep: first.step))
            let wanted = batch.map(\.node)
            waiting.removeFirst(batch.count)
            guard tree.areDisjoint(wanted) else {
                try delegate?.rejectItem(first)
                return
            }
            let isAudited = auditedStep == first.step
            nodes = (first.step, .now)
            exchange.beginStep(isAudited: isAudited)
            sums.begin(step: first.step, tree, wanted)
            try loop.handle(.beginNodes(first.step, tree, wanted, isAudited: isAudited)) { try add($0) }
        case .block:
            guard !sums.isIncomplete, blocks.keys.allSatisfy({ $0.step == first.step }) else { return }
            guard batch.allSatisfy({ exchange.evaluation.includes($0) }) else {
                waiting.removeAll()
                try delegate?.rejectItem(first)
                return
            }
            if blocks.isEmpty { exchange.evaluation.removeAll() }
            waiting.removeFirst(batch.count)
            for item in batch { blocks[item] = .now }
            try loop.handle(.addBlocks(version: first.step, batch.map(\.number)))
        }
    }

    /// Adds a worker's result, and answers a node that is complete.
    private func add(_ result: PartialResult) throws {
        // Before one of two workers is blamed, the data set that both have read is read again.
        if case .mismatch = result { try delegate?.verifyData() }
        let step = nodes.step
        let completed = try sums.add(result) { node, chunk, bytes in
            try addressee?.send(chunk, bytes, of: WorkItem(kind: .node, step: step, number: node.rawValue))
        }
        guard let completed else { return }
        let item = WorkItem(kind: .node, step: step, number: completed.node.rawValue)
        try addressee?.answer(item, lossSum: completed.lossSum, after: nodes.begun)
    }

    private func sendScores() throws {
        guard !blocks.isEmpty else { return }
        for (item, start) in blocks {
            guard let score = exchange.evaluation.removeScore(of: item) else { continue }
            blocks[item] = nil
            try addressee?.answer(item, with: score, after: start)
        }
    }
}

extension Aggregator: CoordinatorLoopGuest {
    var nextDeadline: Instant? { delegate?.nextDeadline }

    func prepare(_ poller: inout Poller) throws { try delegate?.prepare(&poller) }

    func recordReadiness(in poller: borrowing Poller) {
        hasLooked = true
        delegate?.recordReadiness(in: poller)
    }
}

import LockstepCluster
import LockstepData
import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import LockstepTraining
import ZeroMQ

/// The worker's loop of an aggregator: it decides as any worker's does, and has other processes compute.
extension WorkerLoop: AggregatorDelegate {
    /// One round of the loop, whose wait is the aggregator's.
    func serve(_ aggregator: Aggregator) throws {
        do {
            if try aggregator.poll() {
                while let event = try link.receive() { try receive(event) }
            }
        } catch let error as RunError where error.interruption != nil || error == .workersToldToStop {
            // The deadline for what was under way has passed, or no process is left that could finish it.
            return try handle(.stop)
        }
        if stop.isMade(), !aggregator.isBusy { try handle(.stop) }
        if let deadline = machine.nextDeadline, deadline <= .now { try handle(.tick) }
    }

    /// Starts the processes that compute, or keeps those of the last membership if they fit.
    func makeAggregator(_ make: (Dataset) throws -> Aggregator, for welcome: Welcome, _ dataset: Dataset) throws {
        if let aggregator, aggregator.fits(welcome, dataset.description) {
            try aggregator.abandonWork()
        } else {
            closeAggregator(Goodbye(code: .finished, message: "another run follows"))
            let aggregator = try make(dataset)
            link.leave(&poller)
            aggregator.serve(self)
            self.aggregator = aggregator
        }
        guard let aggregator else { return }
        data.present = aggregator.dataset
        if data.check?.dataset === aggregator.dataset {
            data.check?.expectCheck()
        } else {
            data.check = OwnDatasetCheck(aggregator.dataset, now: .now)
        }
        enqueue(.proved(aggregator.ready))
    }

    /// Ends the processes that compute.
    func closeAggregator(_ goodbye: Goodbye) {
        guard let aggregator else { return }
        aggregator.withPoller { link.leave(&$0) }
        aggregator.close(goodbye)
        self.aggregator = nil
    }

    /// Has an aggregator compute an item.
    func assign(_ item: WorkItem, to aggregator: Aggregator) {
        if data.check?.hasChanged(before: item, now: .now) == true { return enqueue(.dataChanged) }
        if item.kind == .node {
            task?.timeline?.step = item.step
            mark(.arrival, item)
        }
        aggregator.assign(item, isAudited: task?.isAudited == true)
    }

    // MARK: - Waits

    var membership: WorkerMachine.Membership? { machine.membership }

    var nextDeadline: Instant? { Instant.earlier(machine.nextDeadline, link.nextDeadline) }

    func prepare(_ poller: inout Poller) throws {
        try link.flush()
        try link.prepare(&poller)
    }

    func recordReadiness(in poller: borrowing Poller) { link.recordReadiness(in: poller) }

    // MARK: - Answers

    func send(_ chunk: ChunkLayout.Chunk, _ bytes: UnsafeRawBufferPointer, of item: WorkItem) throws {
        let header = header(
            .gradient, step: item.step, unit: item.number, segment: UInt16(chunk.segment), offset: UInt32(chunk.offset))
        try FloatPayload.forEachFrame(
            header, bytes, elementSize: task?.communicationElementSize ?? FloatPayload.elementSize,
            limit: link.frameLimit
        ) { try link.post($0, borrowing: $1, isPart: $1.count < bytes.count) }
    }

    func answer(_ item: WorkItem, lossSum: Double, after start: Instant) throws {
        let elapsed = Instant.now.nanoseconds - start.nanoseconds
        try answer(item, with: NodeResult(lossSum: lossSum, computeNanoseconds: elapsed))
    }

    func answer(_ item: WorkItem, with score: BlockScore, after start: Instant) throws {
        let result = BlockResult(score, lossSum: score.lossSum, start: start)
        try link.send(header(.blockResult, step: item.step, unit: item.number), copying: result.encoded())
    }

    func verifyData() throws {
        if data.check?.hasChanged(now: .now) == true { try handle(.dataChanged) }
    }

    func rejectItem(_ item: WorkItem) throws {
        try handle(.protocolBroken(reason: "there is no \(item)"))
    }
}

extension BlockResult {
    /// The answer with a score.
    ///
    /// - Parameters:
    ///   - score: The score.
    ///   - lossSum: The loss to send.
    ///   - start: When the work on it began.
    init(_ score: BlockScore, lossSum: Double, start: Instant) {
        self.init(
            lossSum: lossSum, computeNanoseconds: Instant.now.nanoseconds - start.nanoseconds,
            correct: UInt32(score.correct), total: UInt32(score.total),
            predictions: Dictionary(
                uniqueKeysWithValues: score.predictions.map { (UInt32($0.key), UInt32($0.value)) }))
    }
}

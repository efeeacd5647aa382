import LockstepCluster
import LockstepData
import LockstepNetwork
import LockstepProtocol
import LockstepSharding
import LockstepSystem
import LockstepTimeline
import LockstepTraining
import ZeroMQ

/// The gradient source of a coordinator: workers compute the gradients.
///
/// The trainer sees only this type. Behind it, ``CoordinatorLoop`` waits for messages and lets its machine decide, and
/// ``CoordinatorExchange`` turns the machine's actions into messages and messages into events.
final class ClusterGradientSource: GradientSource {
    private let loop: CoordinatorLoop
    private let exchange: CoordinatorExchange
    private var audits: AuditSchedule
    /// When the sockets are polled again while the coordinator computes alone.
    private var nextPoll = Instant(nanoseconds: 0)

    /// Whether the trainer knows that no worker is left.
    private var hasReportedAbsence = false

    /// Seconds between two polls while the coordinator computes alone.
    private static let pollInterval = 0.01

    /// - Parameters:
    ///   - run: The run as the coordinator serves it to workers.
    ///   - link: The coordinator's sockets.
    ///   - context: The process's context.
    ///   - parameters: The initial weights.
    ///   - record: Records the events; nil: no record.
    ///   - hooks: What the loop calls in the process around it.
    init(
        _ run: ClusterRun, link: CoordinatorLink, context: Context, parameters: VersionedParameters,
        record: EventRecordFile? = nil, hooks: ProcessHooks
    ) {
        loop = CoordinatorLoop(
            link: link, context: context, configuration: run.configuration, regions: run.regions, record: record,
            timeline: run.timeline, hooks: hooks)
        exchange = CoordinatorExchange(loop: loop, run, parameters, reporter: NoticeReporter(hooks.notify))
        audits = run.audits
    }

    var workers: Int { loop.machine.computingCount }
    var membersPresent: Int { loop.machine.activeCount }
    /// The step under way; nil before the first.
    var step: UInt64? { loop.machine.step }
    /// A line for each of the last events and actions, the oldest first.
    var historyLines: [String] { loop.historyLines }

    /// What a client that asked for the run's status would be told now.
    func statusReport() throws -> StatusReport { try exchange.statusReport() }

    var membership: MembershipCounts {
        var counts = loop.machine.counts
        counts.inlinePayloadBytes = exchange.inlinePayloadBytes
        counts.restarts = loop.restarts
        return counts
    }

    /// Waits for the workers that the first step needs.
    func gather() throws { try loop.gather() }

    /// Gives the machine the predicted seconds of a step with 0, 1, ... workers, and with the coordinator beside 1, 2, ...
    func predict(_ seconds: [Double], withCoordinator: [Double] = []) throws {
        try loop.handle(.predicted(seconds: seconds, withCoordinator: withCoordinator))
    }

    /// Asks the workers for their timelines, and returns these in the order of the workers' numbers.
    func collectTimelines() throws -> [ProcessTimeline] { try exchange.collectTimelines() }

    /// Sends each worker a message that asks for nothing, in a mailbox if all have one, and waits for the answers.
    func exchangeMessages() throws {
        if try !exchange.exchangeMail() { _ = try collectTimelines() }
    }

    /// Dismisses every worker and closes the socket.
    func finish(_ goodbye: Goodbye) throws { try loop.finish(goodbye) }

    func gradients(
        of batch: Batch, parameters: VersionedParameters, push: (PartialResult) throws -> Void
    ) throws {
        let isAudited = audits.includes(batch.step)
        exchange.parameters = parameters
        if let until = loop.machine.computesAloneUntil, until > .now, !isAudited {
            return try exchange.computer.compute(batch, parameters, push)
        }
        try pollNowAndThen()
        try reportDataFault(inStep: batch.step)
        exchange.beginStep(isAudited: isAudited)
        try loop.handle(.beginStep(batch.step, batch.tree, isAudited: isAudited), push)
        while !loop.machine.isWorkComplete {
            try reportAbsence()
            try loop.poll(push)
            try reportDataFault(inStep: batch.step)
        }
        guard !isAudited || exchange.areAnswersIntact else { throw MemoryFault(.gradients, step: batch.step) }
    }

    func isAudited(step: UInt64) -> Bool { audits.includes(step) }

    func verifyData(step: UInt64) throws {
        try exchange.checkData()
        try reportDataFault(inStep: step)
    }

    func abandonStep(isRewound: Bool) throws {
        try exchange.abandonStep()
        guard isRewound else { return }
        // An answer to a step that comes again would be taken for an answer to the repetition.
        while loop.machine.hasOutstandingWork { try loop.poll { _ in } }
        exchange.rewind()
    }

    func excludeWorker(of node: NodeID, inStep step: UInt64) throws {
        guard let member = exchange.member(of: node) else { return }
        try loop.handle(.refuted(WorkItem(kind: .node, step: step, number: node.rawValue), member))
    }

    func auditSteps(through step: UInt64) -> Bool {
        // Workers with other kernels compute other bits, which are not wrong.
        guard membersPresent > 0, !loop.machine.configuration.allowsMixedKernels else { return false }
        audits.last = step
        return true
    }

    func workerName(of node: NodeID) -> String? { exchange.workerName(of: node) }

    func publish(version: UInt64, chunk: Int) throws {
        // The coordinator computes this step alone. A worker that needs these weights later gets them then.
        if exchange.computer.isComputing { return }
        try loop.handle(.chunkUpdated(version: version, chunk: chunk))
    }

    func evaluate(
        _ parts: [EvaluationPart], parameters: VersionedParameters, shouldStop: @escaping () -> Bool
    ) throws -> [SplitScore]? {
        exchange.parameters = parameters
        let blocks = exchange.evaluation.begin(parts, shouldStop: shouldStop)
        try loop.handle(.beginEvaluation(version: parameters.version, blocks: blocks.flatMap { $0 }))
        while !loop.machine.isWorkComplete {
            if shouldStop() { return nil }
            try reportAbsence()
            try loop.poll { _ in }
            try reportDataFault(inStep: parameters.version)
        }
        // Blocks that this process left out when it was asked to stop count as complete, too.
        if shouldStop() { return nil }
        try loop.handle(.evaluated)
        return blocks.map { exchange.evaluation.score(of: $0) }
    }

    /// Throws once for every time that the last worker goes, so that the run is saved before the loop waits for another.
    private func reportAbsence() throws {
        guard loop.machine.waitsForWorker else {
            hasReportedAbsence = false
            return
        }
        guard !hasReportedAbsence else { return }
        hasReportedAbsence = true
        throw WorkersGone()
    }

    /// Throws if a worker has left because its data set has changed: what it has answered before may be wrong.
    private func reportDataFault(inStep step: UInt64) throws(MemoryFault) {
        if let fault = exchange.dataFault(inStep: step) { throw fault }
    }

    /// Every few milliseconds handles what has arrived while the coordinator computes alone: joins, losses, requests.
    private func pollNowAndThen() throws {
        guard loop.machine.coordinatorComputesAlone, nextPoll <= .now else { return }
        nextPoll = Instant.now.advanced(bySeconds: Self.pollInterval)
        try loop.poll(until: .now) { _ in }
    }
}

import LockstepCluster
import LockstepData
import LockstepNetwork
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepSystem
import LockstepTimeline
import LockstepTraining
import ZeroMQ

/// The gradient source of a coordinator: workers compute, over ZeroMQ.
///
/// A thin loop around ``CoordinatorMachine``, which decides everything: messages become events, actions become
/// messages, and gradients go past it straight into the reducer.
final class ClusterGradientSource: GradientSource {
    let link: CoordinatorLink
    var machine: CoordinatorMachine
    private var poller: Poller
    private var spin = AdaptiveSpin()
    private let cores = Host.coreCount
    private var regionToken: Poller.Token?
    /// What the machine wants done.
    var actions: [CoordinatorAction] = []
    /// Whether the list of actions is being gone through: what a nested event adds to it comes later.
    var isPerforming = false
    let run: UInt32
    let welcome: [UInt8]
    let dataset: Dataset
    let chunks: ChunkLayout
    let wire: CommunicationDataType
    /// Both versions of the weights as they travel where that is not as they stand; made for the first worker that is sent any.
    private(set) lazy var encodedWeights = (even: EncodedFloats(chunks: chunks), odd: EncodedFloats(chunks: chunks))
    /// Neurons of the output layer.
    let classes: Int
    let supervision: Supervision
    var parameters: VersionedParameters
    var scores: [UInt32: BlockScore] = [:]
    /// Whether the first workers are still awaited.
    private var isGathering = true
    var inlinePayloadBytes: UInt64 = 0
    let realigned: FloatBuffer
    /// Memory shared with workers of this host; nil where all payload travels in messages.
    let regions: RegionServer?
    let transport: Transport
    /// Where members that share memory put their gradients.
    var memberRegions: [MemberRegion] = []
    /// Whose answer to a node of the step was taken.
    var computedBy: [NodeID: MemberID] = [:]
    /// Follows this thread's phases, if anybody wants to know where the time goes.
    let timeline: Timeline?
    var timelineRequests = TimelineRequests()
    /// How long workers compute, for those who look on.
    var paces = Paces()
    /// What members that fail have sent of their logs, until that is told.
    var lastWords: [MemberID: [String]] = [:]
    /// What a request for the run's status is answered with, and until when: however many ask, it is made a few times a
    /// second.
    var status: [UInt8] = []
    var statusExpiry = Instant(nanoseconds: 0)
    static let statusLifetime = 0.1
    /// Refusals by their code, so that a flood of them is no flood of lines.
    var refusals = TurnedAway()
    /// What a ping is answered with: sent by reference, so that nobody can ask for memory.
    lazy var silence = FloatBuffer(count: ChunkLayout.maximumElements)
    /// Which chunks of their answers the members have sent.
    var parts: AnswerParts
    private let audits: AuditSchedule
    let ledger: AuditLedger
    /// Where what happens to the machine is written down; nil: nowhere.
    let events: EventFile?
    /// What happened last, for whoever wants to know why the run failed.
    var history = MachineHistory<CoordinatorEvent, CoordinatorAction>()
    /// The coordinator's own arithmetic: for audits, and for steps that it takes alone.
    let computer: ShardComputer
    /// For steps that it takes alone from their start, and for what workers have left of one.
    private(set) lazy var local = (
        whole: LocalGradientSource(computer, inPlace: true), rest: LocalGradientSource(computer)
    )
    /// Whether this thread computes a step by itself.
    var isComputingHere = false
    /// Whether the machine has been told that messages lie unread.
    private var hasBacklog = false
    /// When the sockets are looked at again in steps that need none of them.
    private var nextLook = Instant(nanoseconds: 0)

    private static let eventsBetweenChecks = 4_096
    /// Seconds between two looks at the sockets while the coordinator computes alone.
    private static let lookInterval = 0.01

    /// What the loop asks of the process around it.
    struct Supervision {
        /// Told of joins, losses and refusals.
        var notify: (ClusterNotice, _ step: UInt64?, _ lastWords: [String]) -> Void
        /// Throws when it makes no sense to wait on: the process was asked to stop, or its own workers all died.
        var check: (_ isGathering: Bool, _ activeWorkers: Int) throws -> Void
        /// When it is to be checked again at the latest.
        var nextCheck: () -> Instant?
        /// How many dead workers have been replaced.
        var restarts: () -> Int = { 0 }
        /// Descriptors whose readiness should end a wait.
        var descriptors: [Int32]
    }

    init(
        link: CoordinatorLink, context: Context, configuration: CoordinatorMachine.Configuration, welcome: [UInt8],
        run: UInt32,
        dataset: Dataset, layout: ParameterLayout, wire: CommunicationDataType, parameters: VersionedParameters,
        computer: ShardComputer, audits: AuditSchedule,
        regions: RegionServer? = nil, transport: Transport = .auto, timeline: Timeline? = nil,
        events: EventFile? = nil, supervision: Supervision
    ) {
        let now = Instant.now
        self.timeline = timeline
        self.link = link
        self.machine = CoordinatorMachine(configuration: configuration, now: now)
        self.events = events
        events?.begin(configuration, now: now)
        events?.whenBroken = { supervision.notify(.recordBroken(reason: "\($0)"), nil, []) }
        self.poller = Poller(context: context)
        self.run = run
        self.welcome = welcome
        self.dataset = dataset
        self.chunks = layout.chunks
        self.wire = wire
        self.classes = layout.outputs
        self.parameters = parameters
        self.regions = regions
        self.transport = transport
        self.supervision = supervision
        self.realigned = FloatBuffer(count: ChunkLayout.maximumElements)
        self.parts = AnswerParts(chunks: layout.chunks.chunks.count)
        self.audits = audits
        self.ledger = AuditLedger(chunks: layout.chunks)
        self.computer = computer
        link.register(in: &poller)
        regionToken = regions.map { poller.add(descriptor: $0.descriptor) }
        for descriptor in supervision.descriptors { _ = poller.add(descriptor: descriptor) }
        actions.reserveCapacity(256)
    }

    // MARK: - Gradient source

    var workers: Int { machine.computingCount }
    var membersPresent: Int { machine.activeCount }

    var membership: MembershipCounts {
        var counts = MembershipCounts()
        counts.lost = machine.counts.lost
        counts.joined = machine.counts.joined
        counts.shardsReassigned = machine.counts.shardsReassigned
        counts.inlinePayloadBytes = inlinePayloadBytes
        counts.restarts = supervision.restarts()
        counts.duplicates = machine.counts.speculativeItems
        counts.stepsAudited = machine.counts.stepsAudited
        counts.quarantined = machine.counts.quarantined
        counts.isBitwiseReproducible = machine.counts.isBitwiseReproducible
        return counts
    }

    /// Waits for the workers that the first step needs.
    func gather() throws {
        while !machine.canStart { try turn { _ in } }
        isGathering = false
    }

    func gradients(
        of batch: Batch, parameters: VersionedParameters, push: (PartialResult) throws -> Void
    ) throws {
        let isAudited = audits.includes(batch.step)
        self.parameters = parameters
        if let until = machine.computesAloneUntil, until > .now, !isAudited {
            return try computeHere(batch, with: local.whole, push)
        }
        try lookAround()
        dropRegionsOfLostMembers()
        computedBy.removeAll(keepingCapacity: true)
        if isAudited { ledger.begin() }
        try handle(.beginStep(batch.step, batch.tree, isAudited: isAudited), push)
        while !machine.isWorkComplete { try turn(push) }
    }

    func workerName(of node: NodeID) -> String? {
        computedBy[node].map { machine.name(of: $0) }
    }

    func publish(version: UInt64, chunk: Int) throws {
        // Whoever needs these weights later gets them then.
        if isComputingHere { return }
        try handle(.chunkUpdated(version: version, chunk: chunk))
    }

    func evaluate(_ splits: [Split], parameters: VersionedParameters) throws -> [SplitScore] {
        self.parameters = parameters
        scores.removeAll(keepingCapacity: true)
        let units = splits.map { split in
            let samples = dataset.indices(of: split)
            let blocks = BlockPartition(samples, rows: BlockPartition.evaluationRows).count
            return (0..<blocks).map { EvaluationUnit(split, block: $0).rawValue }
        }
        try handle(.beginEvaluation(version: parameters.version, blocks: units.flatMap { $0 }))
        while !machine.isWorkComplete { try turn { _ in } }
        try handle(.evaluated)
        return units.map { numbers in
            SplitScore(blocks: numbers.compactMap { scores[$0] }, classes: classes)
        }
    }

    /// Takes in what has come, now and then, while no step waits for anything: who joins, who is lost, who asks.
    private func lookAround() throws {
        guard machine.coordinatorComputesAlone, nextLook <= .now else { return }
        nextLook = Instant.now.advanced(bySeconds: Self.lookInterval)
        try turn(until: .now) { _ in }
    }

    /// Tells every worker that the run is over, and closes the socket.
    func finish(_ goodbye: Goodbye) throws {
        defer { events?.flush() }
        try handle(.stop(goodbye))
        link.close()
    }

    // MARK: - The loop

    /// Waits for something to happen, at most until `limit`, and takes it in.
    func turn(until limit: Instant? = nil, _ push: (PartialResult) throws -> Void) throws {
        timeline?.enter(.send)
        try link.flush()
        let ownDeadline = Instant.earlier(machine.nextDeadline, link.nextDeadline)
        let deadline = Instant.earlier(Instant.earlier(ownDeadline, supervision.nextCheck()), limit)
        timeline?.enter(.wait)
        // Where workers of this host have all cores, looking on would take one from them.
        try spin.wait(&poller, until: link.hasNews ? .now : deadline, looking: memberRegions.count < cores)
        timeline?.enter(.receive)
        defer { timeline?.enter(.other) }
        link.noteReadiness(in: poller)
        if let regions, let token = regionToken, !poller.events(for: token).isEmpty {
            try regions.process { event in try take(event) }
        }
        var isQuiet = true
        var mustCheck = supervision.nextCheck().map { $0 <= .now } ?? false
        // However much comes in, deadlines and signals are looked at in between.
        for _ in 0..<Self.eventsBetweenChecks {
            guard let event = try link.receive() else { break }
            try take(event, push)
            switch event {
            case .message: isQuiet = false
            case .lost, .garbage: mustCheck = true
            case .turnedAway: break
            }
            // What the last answer makes possible goes before what else may have come.
            if !isGathering && machine.isWorkComplete && !mustCheck { return }
        }
        if link.hasUnread != hasBacklog {
            hasBacklog = link.hasUnread
            try handle(.inputBacklog(hasBacklog), push)
        }
        if !hasBacklog, let deadline = machine.nextDeadline, deadline <= .now { try handle(.tick, push) }
        if isQuiet || mustCheck || hasBacklog { try supervision.check(isGathering, machine.activeCount) }
    }
}

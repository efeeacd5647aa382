package import LockstepProtocol
import LockstepSharding
package import LockstepTimeline

/// The coordinator's decisions: who is a member, who computes what, who gets which weights.
///
/// It does no I/O, reads no clock and never sees a weight or a gradient: events go in, actions come out, and the same
/// events give the same actions. Payload bytes bypass it; it sees node, chunk and step numbers.
///
/// A worker with an unanswered assignment is given no other and, until its answer begins to arrive, no weights. So what is
/// under way to it is bounded by one assignment and one version of the weights.
///
/// It cannot be copied, for every question would: a loop that holds it in a class and asks it across modules had a tenth
/// of a short step's time go into retaining what it consists of.
package struct CoordinatorMachine: ~Copyable, Sendable {
    /// The run, as far as the coordinator's decisions depend on it.
    package struct Configuration: Sendable {
        /// Training starts once this many are ready.
        package var minimumWorkers: Int
        /// No more are admitted.
        package var maximumWorkers: Int
        package var chunks: Int
        package var dataBytes: UInt64
        package var programVersion: String
        /// The coordinator's own kernel and fingerprint; a worker's digests must be equal.
        package var expected: Ready
        package var allowsMixedKernels: Bool
        package var deadlines: Deadlines
        /// Whether the number of workers that compute is chosen as the run goes on; then the coordinator computes, too,
        /// where that is fastest or nobody else is there.
        package var tunesWorkerCount: Bool
        /// Whether the sum over all shards is the coordinator's to make, so that nobody is given all of them as one node.
        package var splitsRoot: Bool

        package init(
            minimumWorkers: Int, maximumWorkers: Int, chunks: Int, dataBytes: UInt64, programVersion: String,
            expected: Ready, allowsMixedKernels: Bool, deadlines: Deadlines, tunesWorkerCount: Bool = false,
            splitsRoot: Bool = false
        ) {
            self.minimumWorkers = minimumWorkers
            self.maximumWorkers = maximumWorkers
            self.chunks = chunks
            self.dataBytes = dataBytes
            self.programVersion = programVersion
            self.expected = expected
            self.allowsMixedKernels = allowsMixedKernels
            self.deadlines = deadlines
            self.tunesWorkerCount = tunesWorkerCount
            self.splitsRoot = splitsRoot
        }
    }

    /// What the run's summary tells.
    package struct Counts: Hashable, Sendable {
        package var lost = 0
        package var joined = 0
        package var shardsReassigned = 0
        package var isBitwiseReproducible = true
        /// Nodes and blocks that went to an idle worker too.
        package var stragglersHelped = 0
        package var stepsAudited = 0
        /// Workers that an audit has shown to compute other bits.
        package var quarantined = 0
    }

    /// gathering -> running -> ended.
    enum Phase: Hashable, Sendable {
        /// Waits for the first workers.
        case gathering(until: Instant)
        /// Trains; `until` is set while nobody is there to compute.
        case running(waitingUntil: Instant?)
        case ended
    }

    package let configuration: Configuration
    var phase: Phase
    /// In the order of their member numbers.
    var members: [Member] = []
    var lastMember: UInt32 = 0
    var round: Round?
    /// Which nodes of the step are answered.
    var arrivals = TreeArrivals(lanes: 1)
    /// Chunks of the next weights that are final.
    var published: ChunkSet
    var plans: [PlanKey: AssignmentPlan] = [:]
    package private(set) var counts = Counts()
    /// The time that counts.
    var clock: ClampedClock
    /// How long answers take.
    var pace = Pace()
    /// Members evicted for want of an answer since the last one came.
    var evictions = 0
    /// With how many workers steps are fastest; nil before anything is known of it, and where all compute always.
    var activity: WorkerCountSearch?
    /// Until when the coordinator may take the steps that follow by itself, audited ones but for, without telling: it
    /// would be asked for the same again, and so small a step is over before it is told.
    package internal(set) var computesAloneUntil: Instant?
    /// The step that was begun last, if nothing else has come since.
    var lastBegin: (step: UInt64, at: Instant)?
    /// How evaluations are done fastest.
    var evaluations = EvaluationTuner()
    /// Processes that are not admitted any more.
    var quarantine: Set<ProcessIdentity> = []

    /// Which process a worker is, across its memberships.
    struct ProcessIdentity: Hashable, Sendable {
        let host: String
        let processID: UInt32
    }

    /// Starts to gather workers.
    package init(configuration: Configuration, now: Instant) {
        self.configuration = configuration
        self.clock = ClampedClock(maximumGap: configuration.deadlines.maximumGap, now: now)
        self.phase = .gathering(until: now.advanced(bySeconds: configuration.deadlines.start))
        self.published = ChunkSet(version: 0, capacity: configuration.chunks)
    }

    /// Takes an event in and appends what is to be done.
    package mutating func handle(_ event: CoordinatorEvent, now: Instant, into actions: inout [CoordinatorAction]) {
        clock.advance(to: now)
        switch event {
        case .hello(let peer, let hello):
            admit(peer, hello, into: &actions)
        case .ready(let peer, let member, let ready, let sharesMemory):
            activate(peer, member, ready, sharesMemory: sharesMemory, into: &actions)
        case .dataRequested(let peer, let member, let offset, let count):
            serveData(peer, member, offset: offset, count: count, into: &actions)
        case .answering(let peer, let member, let item):
            noteAnswering(item, peer, member, into: &actions)
        case .answered(let peer, let member, let item):
            take(item, from: peer, member, into: &actions)
        case .goodbye(let peer, let member, let goodbye):
            bidFarewell(peer, member, goodbye, into: &actions)
        case .stranger(let peer):
            turnAway(peer, as: nil, into: &actions)
        case .peerLost(let peer, let reason):
            lose(peer, reason: reason, into: &actions)
        case .beginStep(let step, let tree, let isAudited):
            adapt(step: step, isAudited: isAudited, now: now, into: &actions)
            begin(step: step, tree, isAudited: isAudited, into: &actions)
        case .beginEvaluation(let version, let blocks):
            (lastBegin, computesAloneUntil) = (nil, nil)
            begin(evaluation: version, blocks, now: now, into: &actions)
        case .evaluated:
            evaluations.end(at: now)
        case .predicted(let seconds):
            if configuration.tunesWorkerCount, !seconds.isEmpty { activity = WorkerCountSearch(predictions: seconds) }
        case .chunkUpdated(let version, let chunk):
            publish(version: version, chunk: chunk, into: &actions)
        case .compared(let item, let areEqual):
            settle(item, areEqual: areEqual, into: &actions)
        case .recomputed(let item, let wrong):
            settle(item, wrong: wrong, into: &actions)
        case .inputBacklog(let exists):
            clock.isHeld = exists
        case .stop(let goodbye):
            end(goodbye, into: &actions)
        case .tick:
            checkDeadlines(into: &actions)
        }
    }

    /// Whether a member's answer to `item` is wanted: it was asked, and nobody else's answer has made it superfluous.
    package func expects(_ item: WorkItem, from peer: PeerID, _ member: MemberID) -> Bool {
        guard let round, round.includes(item), let index = index(of: peer, member), members[index].holds(item) else {
            return false
        }
        if !item.isWork { return false }
        if let audit = round.audit { return audit.wants(item.number, from: members[index].info) }
        return !isAnswered(item)
    }

    /// Whether this is a member that has been welcomed and has not shown its fingerprint yet.
    package func isPreparing(_ member: MemberID) -> Bool {
        members.contains { $0.id == member && !$0.isActive }
    }

    /// The step under way, or the version of the weights that are evaluated; nil before the first.
    package var step: UInt64? { round?.step }

    /// The connection of a member.
    package func peer(of member: MemberID) -> PeerID? {
        members.first { $0.id == member }?.peer
    }

    /// Whether the step under way is audited: its answers are compared before they count.
    package var isAudited: Bool { round?.audit != nil }

    /// Whether the step or evaluation under way is answered in full.
    package var isWorkComplete: Bool { round?.isComplete ?? true }

    /// Members that have proved themselves, and their connections.
    package var activeMembers: [(peer: PeerID, info: MemberInfo)] {
        members.filter(\.isActive).map { (peer: $0.peer, info: $0.info) }
    }

    /// Members that have proved themselves.
    package var activeCount: Int { members.count(where: \.isActive) }

    /// Whether enough workers are there for the first step.
    package var canStart: Bool { activeCount >= configuration.minimumWorkers }

    /// When a tick is due at the latest.
    package var nextDeadline: Instant? {
        var next: Instant?
        switch phase {
        case .gathering(let until): next = until
        case .running(let until): next = until
        case .ended: return nil
        }
        for member in members {
            if case .welcomed(let until) = member.phase { next = Instant.earlier(next, until) }
            next = Instant.earlier(next, evictionDeadline(of: member))
        }
        if !isWorkComplete, members.contains(where: \.isIdle) { next = Instant.earlier(next, round?.nextLate) }
        return next.map { clock.due($0) }
    }

    /// Who a member is or was, for people.
    package func name(of member: MemberID) -> String {
        members.first { $0.id == member }?.info.description ?? member.description
    }

    mutating func count(_ change: (inout Counts) -> Void) {
        change(&counts)
    }
}

import LockstepProtocol
import LockstepTimeline

/// The members of a run: which worker processes take part, and how they join, prove their arithmetic and leave.
///
/// A peer says hello, and the coordinator welcomes or refuses it. A welcomed peer is a candidate (``Candidates``): it fetches
/// the data set if it has none and computes its fingerprint. It becomes a member if its fingerprint equals the
/// coordinator's. Every admitted hello creates a new member ID, so an answer of an earlier membership never counts for the
/// present one.
///
/// This part decides which processes are members. Its caller reassigns the work of a member that leaves.
struct Membership: ~Copyable, Sendable {
    private let configuration: CoordinatorMachine.Configuration
    /// In the order of their member IDs.
    private var members: [Member] = []
    private var candidates: Candidates
    private var lastID: UInt32 = 0
    /// Processes that are refused from now on.
    private var quarantined: Set<ProcessIdentity> = []
    private var fruitless = FruitlessMemberships()
    private var dataFaults = DataFaults()

    init(configuration: CoordinatorMachine.Configuration) {
        self.configuration = configuration
        candidates = Candidates(handshake: configuration.deadlines.handshake)
    }

    // MARK: - The members

    var count: Int { members.count }
    var indices: Range<Int> { members.indices }

    subscript(index: Int) -> Member {
        _read { yield members[index] }
        _modify { yield &members[index] }
    }

    /// The index of a member, if the message came over the member's own connection.
    func index(of peer: PeerID, _ id: MemberID) -> Int? {
        members.firstIndex { $0.peer == peer && $0.id == id }
    }

    func index(of peer: PeerID) -> Int? {
        members.firstIndex { $0.peer == peer }
    }

    func index(of id: MemberID) -> Int? {
        members.firstIndex { $0.id == id }
    }

    /// The candidate with this number, if there is one.
    func candidate(_ id: MemberID) -> Candidates.Candidate? { candidates.candidate(id) }

    /// The number of processes that compute for the members.
    private(set) var activeCount = 0

    var hasIdle: Bool { members.contains(where: \.isIdle) }

    /// Whether a member has not answered everything.
    var hasOutstandingWork: Bool { members.contains { !$0.queue.isEmpty } }

    /// Whether a member holds a work item.
    func hasHolder(of item: WorkItem) -> Bool {
        members.contains { $0.queue.holds(item) }
    }

    /// Whether a member other than this one holds a work item.
    func hasHolder(of item: WorkItem, besides index: Int) -> Bool {
        members.indices.contains { $0 != index && members[$0].queue.holds(item) }
    }

    /// Whether any membership of a process holds a work item.
    func hasHolder(of item: WorkItem, in process: ProcessIdentity) -> Bool {
        members.contains { $0.process == process && $0.queue.holds(item) }
    }

    /// The members and their connections.
    var active: [(peer: PeerID, info: MemberInfo)] {
        members.map { (peer: $0.peer, info: $0.info) }
    }

    /// The members that have answered everything and that read the data set in memory of their own, and their connections.
    var idleWithOwnData: [(peer: PeerID, id: MemberID)] {
        members.filter { $0.isIdle && !$0.sharesMemory }.map { ($0.peer, $0.id) }
    }

    /// The state of every member and, after them, of candidates, for people: no more than fit into a message.
    func status(coordinatorComputesAlone: Bool) -> [ClusterStatus.Worker] {
        let present = members.map { member in
            let state: ClusterStatus.Worker.State =
                if !member.queue.isEmpty {
                    .computing
                } else {
                    coordinatorComputesAlone || member.isOnStandby ? .standby : .idle
                }
            return ClusterStatus.Worker(
                member: member.id.rawValue, host: member.hello.host, processID: member.hello.processID, state: state,
                outstanding: member.queue.count, processes: member.capacity > 1 ? member.capacity : nil)
        }
        let preparing = candidates.all.map { candidate in
            ClusterStatus.Worker(
                member: candidate.id.rawValue, host: candidate.hello.host, processID: candidate.hello.processID,
                state: .preparing, outstanding: 0,
                processes: candidate.hello.processes > 1 ? candidate.hello.processes : nil)
        }
        return present + preparing.prefix(Self.maximumCandidates)
    }

    /// The maximum of candidates in a status: a peer chooses how long its name is.
    private static let maximumCandidates = 64

    /// Begins a step for the idle members.
    ///
    /// - Returns: The number of idle members, and how many of these are backed off.
    mutating func beginStep() -> (idle: Int, backedOff: Int) {
        var (idle, backedOff) = (0, 0)
        for index in members.indices where members[index].isIdle {
            members[index].stragglerRecord.beginStep()
            idle += 1
            if members[index].stragglerRecord.isBackedOff { backedOff += 1 }
        }
        return (idle, backedOff)
    }

    // MARK: - Joining

    /// The membership that a connection has when a hello arrives over it.
    enum Standing: Equatable {
        /// It has none.
        case new
        /// The same hello again, from a candidate: it asked twice because the answer took long.
        case repeated(MemberID)
        /// It has the member at this index, and the process joins again: this membership must end.
        case restarted(index: Int)
    }

    func standing(of peer: PeerID, saying hello: Hello) -> Standing {
        if let index = index(of: peer) { return .restarted(index: index) }
        guard let candidate = candidates.candidate(on: peer), candidate.hello == hello else { return .new }
        return .repeated(candidate.id)
    }

    /// Welcomes a peer that has no membership as a candidate, or says why not. Another hello over a candidate's connection
    /// begins anew.
    mutating func admit(
        _ peer: PeerID, _ hello: Hello, isEnding: Bool, now: Instant, into actions: inout [CoordinatorAction]
    ) {
        if let refusal = refusal(of: hello, isEnding: isEnding) {
            actions.append(.refuse(peer, refusal))
            actions.append(.notify(.refused(host: hello.host, refusal)))
            return
        }
        if let previous = candidates.candidate(on: peer) { candidates.remove(previous.id) }
        lastID += 1
        let id = MemberID(rawValue: lastID)
        if let displaced = candidates.add(id, on: peer, hello, now: now) {
            let reason = "too many others ask to join"
            actions.append(.refuse(displaced.peer, Refusal(code: .rejoin, message: reason)))
            actions.append(.notify(.notProved(displaced.info, reason: reason, saidGoodbye: false)))
        }
        actions.append(.welcome(peer, id))
    }

    private func refusal(of hello: Hello, isEnding: Bool) -> Refusal? {
        if isEnding {
            return Refusal(code: .ending, message: "the run is ending")
        }
        if let reason = ProgramVersion(configuration.programVersion).reasonAgainst(ProgramVersion(hello.programVersion))
        {
            return Refusal(code: .programVersion, message: reason)
        }
        let process = ProcessIdentity(host: hello.host, processID: hello.processID)
        if quarantined.contains(process) {
            return Refusal(
                code: .quarantined,
                message: "this process has computed a wrong result; check the host's memory and processor")
        }
        if let refusal = dataRefusal(hello.host) { return refusal }
        let fruitlessMemberships = fruitless.count(of: process)
        if fruitlessMemberships >= configuration.deadlines.fruitlessMemberships {
            return Refusal(
                code: .link,
                message: "this link is too slow or breaks too often: this process has joined \(fruitlessMemberships) "
                    + "times in a row without answering anything")
        }
        return isFull(for: hello.processes) ? fullRefusal(of: hello.processes) : nil
    }

    /// Whether the run has no place for so many further processes.
    private func isFull(for processes: Int) -> Bool { activeCount + processes > configuration.maximumWorkers }

    /// Why workers of this host are refused: the data set changed in the memory of several. Nil if they are not.
    private func dataRefusal(_ host: String) -> Refusal? {
        guard dataFaults.excludes(host) else { return nil }
        return Refusal(
            code: .quarantined,
            message: "the data set has changed \(DataFaults.limit) times in the memory of this host's workers; "
                + "check the host's memory and processor")
    }

    private func fullRefusal(of processes: Int) -> Refusal {
        let (count, room) = (configuration.maximumWorkers, configuration.maximumWorkers - activeCount)
        guard room <= 0 else {
            return Refusal(
                code: .full,
                message: "the run has room for \(room) of at most \(count) worker processes, and this worker has "
                    + "\(processes); start it with --processes \(room), or raise --workers to admit more")
        }
        let workers = count == 1 ? "its one worker" : "all its \(count) workers"
        return Refusal(code: .full, message: "the run has \(workers); raise --workers to admit more")
    }

    /// The result of checking a member's fingerprint.
    enum Proof: Equatable {
        /// The member is active now.
        case accepted(isSameKernel: Bool)
        /// The sender is refused, unknown, or active already.
        case ignored
    }

    /// Makes a candidate a member if its fingerprint is the coordinator's own and the run is not full.
    mutating func prove(
        _ peer: PeerID, _ id: MemberID, _ ready: Ready, sharesMemory: Bool, into actions: inout [CoordinatorAction]
    ) -> Proof {
        guard let candidate = candidates.candidate(on: peer, id) else {
            if index(of: peer, id) == nil { rejectUnknown(peer, as: id, into: &actions) }
            return .ignored
        }
        candidates.remove(id)
        let isSameKernel = ready.fingerprint == configuration.expected.fingerprint
        let processes = candidate.hello.processes
        var refusal = isFull(for: processes) ? fullRefusal(of: processes) : nil
        // The host may have been excluded since the candidate said hello.
        if let excluded = dataRefusal(candidate.hello.host) { refusal = excluded }
        if !isSameKernel && !configuration.allowsMixedKernels {
            refusal = Refusal(
                code: .fingerprint,
                message: "the worker's kernel \(ready.kernel) computes other bits than the coordinator's "
                    + "\(configuration.expected.kernel); start the run with --kernel portable, or accept it with "
                    + "--allow-mixed-kernels")
        }
        if let refusal {
            actions.append(.refuse(peer, refusal))
            actions.append(.notify(.refused(host: candidate.hello.host, refusal)))
            return .ignored
        }
        let info = candidate.info
        let place = members.firstIndex { $0.id.rawValue > id.rawValue } ?? members.count
        members.insert(
            Member(
                id: id, peer: peer, hello: candidate.hello, sharesMemory: sharesMemory, chunks: configuration.chunks),
            at: place)
        activeCount += processes
        actions.append(
            .notify(
                isSameKernel
                    ? .joined(info, active: activeCount)
                    : .joinedWithOtherBits(info, kernel: ready.kernel, active: activeCount)))
        return .accepted(isSameKernel: isSameKernel)
    }

    /// Sends a part of the data set to a candidate, and extends its deadline: a candidate that fetches is alive.
    ///
    /// - Returns: Whether the request is valid. If it is not, the caller ends the membership.
    mutating func serveData(
        _ peer: PeerID, _ id: MemberID, offset: UInt64, count: Int, now: Instant,
        into actions: inout [CoordinatorAction]
    ) -> Bool {
        guard candidates.candidate(on: peer, id) != nil else {
            // A member had the last part before it proved itself: this is an old request.
            if index(of: peer, id) == nil { rejectUnknown(peer, as: id, into: &actions) }
            return true
        }
        guard
            (1...MessageKind.payloadLimit).contains(count), offset < configuration.dataBytes,
            UInt64(count) <= configuration.dataBytes - offset
        else { return false }
        candidates.extend(id, now: now)
        actions.append(.sendData(peer, id, offset: offset, count: count))
        return true
    }

    // MARK: - Leaving

    /// Ends a membership.
    mutating func remove(at index: Int) -> Member {
        fruitless.record(members[index])
        return removeMember(at: index)
    }

    private mutating func removeMember(at index: Int) -> Member {
        let member = members.remove(at: index)
        activeCount -= member.capacity
        return member
    }

    /// Ends the membership of a worker whose data set has changed in its memory. Workers of its host are refused once that
    /// has happened too often there.
    ///
    /// - Returns: The former member.
    mutating func removeWithChangedData(at index: Int, into actions: inout [CoordinatorAction]) -> Member {
        let member = remove(at: index)
        dataFaults.record(member.hello.host)
        actions.append(
            .notify(
                .dataChanged(
                    member.info, active: activeCount, isHostExcluded: dataFaults.excludes(member.hello.host))))
        return member
    }

    /// Ends the membership of a worker whose answer was wrong, and refuses its process from now on.
    ///
    /// - Returns: The former member; nil if it has gone already.
    mutating func quarantine(
        _ id: MemberID, step: UInt64, node: UInt32, into actions: inout [CoordinatorAction]
    ) -> Member? {
        guard let index = index(of: id) else { return nil }
        let member = removeMember(at: index)
        quarantined.insert(member.process)
        let refusal = Refusal(
            code: .quarantined,
            message: "its answer for node \(node) of step \(step) was wrong; check the host's memory and processor")
        actions.append(.refuse(member.peer, refusal))
        actions.append(.notify(.quarantined(member.info, step: step, node: node, active: activeCount)))
        return member
    }

    /// Ends the candidacy on a connection.
    ///
    /// - Parameters:
    ///   - peer: The connection.
    ///   - id: The candidate that is meant; nil: the one that the connection has.
    ///   - reason: Why it ends.
    ///   - saidGoodbye: Whether the candidate said so itself.
    ///   - actions: Receives the notice.
    /// - Returns: Whether there was one.
    mutating func removeCandidate(
        on peer: PeerID, _ id: MemberID? = nil, reason: String, saidGoodbye: Bool = false,
        into actions: inout [CoordinatorAction]
    ) -> Bool {
        guard let candidate = candidates.candidate(on: peer), id == nil || candidate.id == id else { return false }
        candidates.remove(candidate.id)
        actions.append(.notify(.notProved(candidate.info, reason: reason, saidGoodbye: saidGoodbye)))
        return true
    }

    /// Ends the candidacies whose deadline has passed; such a peer may say hello again.
    mutating func removeOverdue(at now: Instant, into actions: inout [CoordinatorAction]) {
        while let candidate = candidates.removeOverdue(at: now) {
            let reason = "it took too long to get ready"
            actions.append(.refuse(candidate.peer, Refusal(code: .rejoin, message: reason)))
            actions.append(.notify(.notProved(candidate.info, reason: reason, saidGoodbye: false)))
        }
    }

    /// Tells every member and candidate that the run is over.
    func dismissAll(_ goodbye: Goodbye, into actions: inout [CoordinatorAction]) {
        let peers = members.map { ($0.id, $0.peer) } + candidates.all.map { ($0.id, $0.peer) }
        for (id, peer) in peers.sorted(by: { $0.0.rawValue < $1.0.rawValue }) {
            actions.append(.dismiss(peer, id, goodbye))
        }
    }

    // MARK: - Unknown senders

    /// Handles a message with an unknown member ID (`id`) or another run's ID (nil).
    ///
    /// If the message came over the connection of a present member, it is an old message of an earlier membership that
    /// was sent again, because messages keep their order. It is dropped, and the member does not notice. A peer without
    /// a membership is refused and says hello again.
    func rejectUnknown(_ peer: PeerID, as id: MemberID?, into actions: inout [CoordinatorAction]) {
        guard !dropOutdated(peer, as: id, into: &actions) else { return }
        actions.append(
            .refuse(peer, Refusal(code: .rejoin, message: "not a member of this run; say hello again")))
    }

    /// Drops a message that came over a present member's connection with another identity.
    ///
    /// - Returns: Whether the connection has a member.
    @discardableResult
    func dropOutdated(_ peer: PeerID, as id: MemberID?, into actions: inout [CoordinatorAction]) -> Bool {
        let member = index(of: peer).map { members[$0].info } ?? candidates.candidate(on: peer)?.info
        guard let member else { return false }
        actions.append(.notify(.outdated(member, sentAs: id)))
        return true
    }

    // MARK: - Deadlines

    /// When the first of the candidates must have proved itself; nil if there are none.
    var nextProofDeadline: Instant? { candidates.nextDeadline }
}

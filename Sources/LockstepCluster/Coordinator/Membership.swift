import LockstepProtocol
import LockstepTimeline

/// The members of a run: which worker processes take part, and how they join, prove their arithmetic and leave.
///
/// A peer says hello, and the coordinator welcomes or refuses it. A welcomed member fetches the data set if it has none
/// and computes its fingerprint. It becomes active if its fingerprint equals the coordinator's. Every admitted hello
/// creates a new member ID, so an answer of an earlier membership never counts for the present one.
///
/// This part decides which processes are members. Its caller reassigns the work of a member that leaves.
struct Membership: ~Copyable, Sendable {
    private let configuration: CoordinatorMachine.Configuration
    /// In the order of their member IDs.
    private var members: [Member] = []
    private var lastID: UInt32 = 0
    /// Processes that are refused from now on.
    private var quarantined: Set<ProcessIdentity> = []
    private var fruitless = FruitlessMemberships()

    init(configuration: CoordinatorMachine.Configuration) {
        self.configuration = configuration
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

    /// The number of active members.
    var activeCount: Int { members.count(where: \.isActive) }

    var hasIdle: Bool { members.contains(where: \.isIdle) }

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

    /// Active members and their connections.
    var active: [(peer: PeerID, info: MemberInfo)] {
        members.filter(\.isActive).map { (peer: $0.peer, info: $0.info) }
    }

    /// The state of every member, for people.
    func status(coordinatorComputesAlone: Bool) -> [ClusterStatus.Worker] {
        members.map { member in
            let state: ClusterStatus.Worker.State =
                if !member.isActive {
                    .preparing
                } else if !member.queue.isEmpty {
                    .computing
                } else {
                    coordinatorComputesAlone || member.isOnStandby ? .standby : .idle
                }
            return ClusterStatus.Worker(
                member: member.id.rawValue, host: member.hello.host, processID: member.hello.processID, state: state,
                outstanding: member.queue.count)
        }
    }

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
        /// It has a member that has been welcomed and sent the same hello: the worker repeated it because the answer
        /// took long.
        case repeated(MemberID)
        /// It has the member at this index, and the process joins anew: this membership must end.
        case restarted(index: Int)
    }

    func standing(of peer: PeerID, saying hello: Hello) -> Standing {
        guard let index = index(of: peer) else { return .new }
        let member = members[index]
        return !member.isActive && member.hello == hello ? .repeated(member.id) : .restarted(index: index)
    }

    /// Welcomes a peer that has no membership, or refuses it with the reason.
    mutating func admit(
        _ peer: PeerID, _ hello: Hello, isEnding: Bool, now: Instant, into actions: inout [CoordinatorAction]
    ) {
        if let refusal = refusal(of: hello, isEnding: isEnding) {
            actions.append(.refuse(peer, refusal))
            actions.append(.notify(.refused(host: hello.host, refusal)))
            return
        }
        lastID += 1
        let member = Member(
            id: MemberID(rawValue: lastID), peer: peer, hello: hello,
            phase: .welcomed(until: now.advanced(bySeconds: configuration.deadlines.handshake)),
            chunks: configuration.chunks)
        members.append(member)
        actions.append(.welcome(peer, member.id))
    }

    private func refusal(of hello: Hello, isEnding: Bool) -> Refusal? {
        if isEnding {
            return Refusal(code: .ending, message: "the run is ending")
        }
        if hello.programVersion != configuration.programVersion {
            return Refusal(
                code: .programVersion,
                message: "the worker runs lockstep \(hello.programVersion), the coordinator "
                    + "\(configuration.programVersion); a run's weights depend on it: install the same version")
        }
        let process = ProcessIdentity(host: hello.host, processID: hello.processID)
        if quarantined.contains(process) {
            return Refusal(
                code: .quarantined,
                message: "this process has computed a wrong gradient; check the host's memory and processor")
        }
        let fruitlessMemberships = fruitless.count(of: process)
        if fruitlessMemberships >= configuration.deadlines.fruitlessMemberships {
            return Refusal(
                code: .link,
                message: "this link is too slow or breaks too often: this process has joined \(fruitlessMemberships) "
                    + "times in a row without answering anything")
        }
        if members.count >= configuration.maximumWorkers {
            return Refusal(
                code: .full,
                message: "the run has its \(configuration.maximumWorkers) workers; raise --workers to admit more")
        }
        return nil
    }

    /// The result of checking a member's fingerprint.
    enum Proof: Equatable {
        /// The member is active now.
        case accepted(isSameKernel: Bool)
        /// The sender is refused, unknown, or active already.
        case ignored
    }

    /// Makes a welcomed member active if its fingerprint equals the coordinator's.
    mutating func prove(
        _ peer: PeerID, _ id: MemberID, _ ready: Ready, sharesMemory: Bool, into actions: inout [CoordinatorAction]
    ) -> Proof {
        guard let index = index(of: peer, id) else {
            rejectUnknown(peer, as: id, into: &actions)
            return .ignored
        }
        guard case .welcomed = members[index].phase else { return .ignored }
        let isSameKernel = ready.fingerprint == configuration.expected.fingerprint
        guard isSameKernel || configuration.allowsMixedKernels else {
            let refusal = Refusal(
                code: .fingerprint,
                message: "the worker's kernel \(ready.kernel) computes other bits than the coordinator's "
                    + "\(configuration.expected.kernel); start the run with --kernel portable, or accept it with "
                    + "--allow-mixed-kernels")
            let member = members.remove(at: index)
            actions.append(.refuse(peer, refusal))
            actions.append(.notify(.refused(host: member.hello.host, refusal)))
            return .ignored
        }
        members[index].phase = .active
        members[index].sharesMemory = sharesMemory
        let info = members[index].info
        actions.append(
            .notify(
                isSameKernel
                    ? .joined(info, active: activeCount)
                    : .joinedWithOtherBits(info, kernel: ready.kernel, active: activeCount)))
        return .accepted(isSameKernel: isSameKernel)
    }

    /// Sends a part of the data set to a member that prepares, and extends its deadline: a member that fetches is
    /// alive.
    ///
    /// - Returns: Whether the request is valid. If it is not, the caller ends the membership.
    mutating func serveData(
        _ peer: PeerID, _ id: MemberID, offset: UInt64, count: Int, now: Instant,
        into actions: inout [CoordinatorAction]
    ) -> Bool {
        guard let index = index(of: peer, id) else {
            rejectUnknown(peer, as: id, into: &actions)
            return true
        }
        // An active member has had the whole data set since before its proof: this is an old request.
        guard case .welcomed = members[index].phase else { return true }
        guard
            (1...MessageKind.payloadLimit).contains(count), offset < configuration.dataBytes,
            UInt64(count) <= configuration.dataBytes - offset
        else { return false }
        members[index].phase = .welcomed(until: now.advanced(bySeconds: configuration.deadlines.handshake))
        actions.append(.sendData(peer, id, offset: offset, count: count))
        return true
    }

    // MARK: - Leaving

    /// Ends a membership.
    mutating func remove(at index: Int) -> Member {
        fruitless.record(members[index])
        return members.remove(at: index)
    }

    /// Ends the membership of a worker whose answer an audit found wrong, and refuses its process from now on.
    ///
    /// - Returns: The former member; nil if it has gone already.
    mutating func quarantine(
        _ id: MemberID, step: UInt64, node: UInt32, into actions: inout [CoordinatorAction]
    ) -> Member? {
        guard let index = index(of: id) else { return nil }
        let member = members.remove(at: index)
        quarantined.insert(member.process)
        let refusal = Refusal(
            code: .quarantined,
            message: "its answer for node \(node) of step \(step) was wrong; check the host's memory and processor")
        actions.append(.refuse(member.peer, refusal))
        actions.append(.notify(.quarantined(member.info, step: step, node: node, active: activeCount)))
        return member
    }

    /// Tells every member that the run is over.
    func dismissAll(_ goodbye: Goodbye, into actions: inout [CoordinatorAction]) {
        for member in members { actions.append(.dismiss(member.peer, member.id, goodbye)) }
    }

    // MARK: - Unknown senders

    /// Handles a message with an unknown member ID (`id`) or another run's ID (nil).
    ///
    /// If the message came over the connection of a present member, it is an old message of an earlier membership that
    /// was sent again, because messages keep their order. It is dropped, and the member does not notice. A peer without
    /// a membership is told to say hello again.
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
        guard let index = index(of: peer) else { return false }
        actions.append(.notify(.outdated(members[index].info, sentAs: id)))
        return true
    }

    // MARK: - Deadlines

    /// The earliest deadline of a preparing member's proof; nil if no member prepares.
    var nextProofDeadline: Instant? {
        var next: Instant?
        for index in members.indices {
            if case .welcomed(let until) = members[index].phase { next = Instant.earlier(next, until) }
        }
        return next
    }

    /// Whether a preparing member has missed its deadline.
    func isOverdue(_ index: Int, at now: Instant) -> Bool {
        if case .welcomed(let until) = members[index].phase { return until <= now }
        return false
    }
}

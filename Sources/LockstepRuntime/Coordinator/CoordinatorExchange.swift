import LockstepCluster
import LockstepData
import LockstepModel
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepSystem
import LockstepTimeline
import LockstepTraining
import ZeroMQ

/// Carries out the machine's actions by sending messages, and turns received messages into events for the machine.
/// Gradients bypass the machine: they go directly to the reducer.
final class CoordinatorExchange: CoordinatorLoopDelegate {
    private let loop: CoordinatorLoop
    private let run: ClusterRun
    private let headers: RunHeaders
    private let inline: InlineTransport
    /// Nil if all payload is sent in messages.
    private let shared: SharedMemoryTransport?
    private let audit: AuditBuffer
    private let reporter: NoticeReporter
    private let status: StatusService
    private let cores = Host.coreCount
    let computer: CoordinatorComputer
    let evaluation: EvaluationCollector
    let timelines = TimelineCollector()
    private let dataChecks = DataCheckCollector()
    /// The weights of the step under way.
    var parameters: VersionedParameters
    /// The member that computed each tree node of the step.
    private var computedBy: [NodeID: MemberID] = [:]

    init(loop: CoordinatorLoop, _ run: ClusterRun, _ parameters: VersionedParameters, reporter: NoticeReporter) {
        self.loop = loop
        self.parameters = parameters
        self.reporter = reporter
        headers = RunHeaders(run: run.number)
        self.run = run
        inline = InlineTransport(chunks: run.layout.chunks, dataType: run.dataType, headers: headers)
        shared = run.regions.map { SharedMemoryTransport(server: $0, chunks: run.layout.chunks) }
        audit = AuditBuffer(chunks: run.layout.chunks)
        status = StatusService(welcome: run.welcome)
        computer = CoordinatorComputer(run.computer)
        evaluation = EvaluationCollector(
            dataset: run.dataset, classes: run.model.answers, countsCorrect: !run.model.predictsNumbers)
        loop.delegate = self
    }

    private var link: CoordinatorLink { loop.link }

    /// What a client that asked for the run's status would be told now.
    func statusReport() throws -> StatusReport { try status.makeReport(loop.machine.status) }

    /// False if this host's workers use all cores and announce answers in messages: spinning would take a core from them. A thread
    /// that waits for mail yields the core after every look.
    var maySpin: Bool { (shared?.count ?? 0) < cores || shared?.hasMailboxes == true }

    var mail: AdaptiveSpin.Mail? { shared?.mail }

    /// Bytes of weights and gradients in messages so far.
    var inlinePayloadBytes: UInt64 { inline.payloadBytes }

    /// Prepares for a step.
    func beginStep(isAudited: Bool) {
        shared?.retain { loop.machine.peer(of: $0) != nil }
        computedBy.removeAll(keepingCapacity: true)
        computer.beginStep()
        if isAudited { audit.begin() }
    }

    /// Whether the answers of an audited step were kept in memory as they had been compared. Call it at the step's end.
    var areAnswersIntact: Bool { audit.isIntact }

    /// Ends the step under way: what has come and what has been sent of it is void.
    func abandonStep() throws {
        inline.forgetStep()
        try loop.handle(.abandoned)
    }

    /// Forgets workers whose data sets have changed, because the run goes back to its newest checkpoint.
    func rewind() { dataChecks.rewind() }

    /// Finds the first worker that has left because its data set has changed.
    ///
    /// - Parameter step: The step in which the fault is reported.
    /// - Returns: The fault; nil if there is none.
    func dataFault(inStep step: UInt64) -> MemoryFault? {
        dataChecks.faulty.map { MemoryFault(.dataset, step: step, worker: "\($0)") }
    }

    /// Asks the idle members that have data sets in their own memory whether these are intact, and waits for the answers
    /// until the deadline, or until a signal ends the run's waits.
    func checkData() throws {
        dataChecks.retain(Set(loop.machine.activeMembers.map(\.info.id)))
        let idle = loop.machine.idleMembersWithOwnData
        let (members, number) = dataChecks.begin(idle.map(\.id))
        for (peer, id) in idle where members.contains(id) {
            try link.post(to: peer, headers.header(.dataCheck, id, step: number))
        }
        let deadline = Instant.now.advanced(bySeconds: loop.machine.configuration.deadlines.dataCheck)
        while dataChecks.isWaiting, deadline > .now {
            do {
                try loop.poll(until: deadline) { _ in }
            } catch RunError.interrupted {
                // The stop deadline has passed. The state is saved unchecked, because otherwise the run would lose it.
                return
            }
            dataChecks.retain(Set(loop.machine.activeMembers.map(\.info.id)))
        }
    }

    /// The member whose answer to a node of the step was received; nil if this process computed it.
    func member(of node: NodeID) -> MemberID? { computedBy[node] }

    /// The name of the worker that computed a tree node of the step, for error messages; nil if this process computed
    /// it.
    func workerName(of node: NodeID) -> String? {
        computedBy[node].map { loop.machine.name(of: $0) }
    }

    /// Asks all active members for their timelines, and waits for the answers until the deadline.
    ///
    /// - Returns: What the members have recorded since the last request, in the order of their numbers.
    func collectTimelines() throws -> [ProcessTimeline] {
        timelines.begin()
        let members = loop.machine.activeMembers
        for (peer, info) in members {
            timelines.addRequest(to: info.id)
            try link.post(to: peer, headers.header(.timelineRequest, info.id))
        }
        let deadline = Instant.now.advanced(bySeconds: loop.machine.configuration.deadlines.report)
        while timelines.isWaiting, deadline > .now {
            try loop.poll(until: deadline) { _ in }
            timelines.retain(Set(loop.machine.activeMembers.map(\.info.id)))
        }
        return timelines.timelines(of: members.map(\.info))
    }

    /// Puts an empty task into the mailbox of each active member, and waits for all answers. Call it while all are idle.
    ///
    /// - Returns: False if a member has no mailbox, or has not answered after ``mailLimit``.
    func exchangeMail() throws -> Bool {
        let members = loop.machine.activeMembers
        guard let shared, !members.isEmpty, members.allSatisfy({ shared.hasMailbox($0.info.id) }) else { return false }
        for (peer, info) in members {
            // An answer that comes late counts for no step.
            try send(headers.header(.assign, info.id, step: WorkItem.noStep), to: peer, info.id)
        }
        try link.flush()
        let deadline = Instant.now.advanced(bySeconds: Self.mailLimit)
        do throws(ProtocolError) {
            for (_, info) in members {
                while try shared.receiveMail(from: info.id) == nil {
                    guard Instant.now < deadline else { return false }
                    Thread.yield()
                }
            }
        } catch {
            // The next wrong record ends the membership.
            return false
        }
        return true
    }

    /// The most seconds for such an exchange: it takes some microseconds, unless a worker is stopped.
    private static let mailLimit = 0.1

    // MARK: - Actions

    func perform(_ action: CoordinatorAction, _ push: (PartialResult) throws -> Void) throws {
        switch action {
        case .welcome(let peer, let member):
            try link.send(to: peer, headers.header(.welcome, member), copying: run.welcome)
        case .refuse(let peer, let refusal):
            try link.send(to: peer, Header(kind: .refuse, run: headers.run), copying: refusal.encoded())
        case .sendData(let peer, let member, let offset, let count):
            let bytes = UnsafeRawBufferPointer(rebasing: run.dataset.bytes[Int(offset)..<Int(offset) + count])
            try link.post(to: peer, headers.header(.dataChunk, member, step: offset), borrowing: bytes)
        case .sendParameters(let peer, let member, let version, let chunk):
            try inline.sendParameters(version: version, chunk: chunk, of: parameters, to: peer, member, over: link)
        case .assign(let peer, let member, let item):
            if item.kind == .node {
                run.timeline?.mark(
                    .departure, member: member.rawValue, step: item.step, item: item.number, isAnswer: false)
            }
            try send(assignment(of: item, to: member), to: peer, member)
        case .compare(let item, let first, let second):
            let areEqual = audit.confirm(item.node, first, second)
            if areEqual { try audit.release(item.node, of: first, push) }
            try loop.handle(.compared(item, areEqual: areEqual), push)
        case .recompute(let item, let copies):
            audit.computeOwn(item.node) { computer.gradient(of: item, parameters, into: $0) }
            try computer.checkModel()
            let wrong = copies.filter { !audit.confirm(item.node, $0, nil) }
            if !wrong.isEmpty { try push(.mismatch(item.node)) }
            try audit.release(item.node, of: nil, push)
            try loop.handle(.recomputed(item, wrong: wrong), push)
        case .computeHere(let item):
            switch item.kind {
            case .node: try computer.computeRemainder(ofStep: item.step, parameters, push)
            case .block:
                guard !evaluation.shouldStop() else { return }
                let score = computer.score(of: item, parameters)
                try computer.checkModel()
                if let score { evaluation.add(score, of: item) }
            }
        case .computeShare(let item):
            // The workers compute meanwhile.
            try link.flush()
            try computer.computeShare(item, parameters, push)
            try loop.handle(.computed(item), push)
        case .dismiss(let peer, let member, let goodbye):
            try link.send(to: peer, headers.header(.goodbye, member), copying: goodbye.encoded())
        case .notify(let notice):
            if let member = notice.removedWorker { inline.removeAnswer(of: member.id) }
            if case .dataChanged(let member, _, _) = notice { dataChecks.recordChange(of: member) }
            report(notice)
        case .fail(let failure):
            throw failure
        }
    }

    /// Puts a task into a mailbox, or sends it if the worker has none.
    private func send(_ task: Header, to peer: PeerID, _ member: MemberID) throws {
        if shared?.put(task, for: member) != true { try link.post(to: peer, task) }
    }

    /// The message that assigns an item. It names the slot for the gradient of a worker that shares memory.
    private func assignment(of item: WorkItem, to member: MemberID) -> Header {
        guard item.kind == .node else { return headers.header(.evaluate, member, step: item.step, unit: item.number) }
        let slot = transport(of: member).slot(for: item, of: member)
        return headers.header(
            .assign, member, step: item.step, unit: item.number, segment: UInt16(slot),
            offset: loop.machine.isAudited ? 1 : 0)
    }

    private func transport(of member: MemberID) -> any PayloadTransport {
        if let shared, shared.includes(member) { return shared }
        return inline
    }

    private func report(_ notice: ClusterNotice) {
        reporter.report(notice, step: loop.machine.step)
    }

    // MARK: - Messages

    func receive(_ event: CoordinatorLink.Event, _ push: (PartialResult) throws -> Void) throws {
        switch event {
        case .lost(let peer):
            try loop.handle(.peerLost(peer, reason: "its connection ended"), push)
        case .garbage(let peer, let error):
            try reject(peer, error, push)
        case .rejected(let reason):
            report(.connectionRejected(reason))
        case .message(let peer, let header, let hasPayload):
            do {
                try receive(header, hasPayload: hasPayload, from: peer, push)
            } catch let error as ProtocolError {
                try reject(peer, error, push)
            }
        }
    }

    /// Refuses or cuts a peer that broke the protocol, and ends its membership.
    ///
    /// A member has proved that it speaks the protocol, so its message was damaged on the way, and what follows over the same
    /// connection may be, too: the connection is cut, and the worker joins again over a new one. So is the connection of any
    /// peer whose message is damaged. The first unreadable message of another peer is answered: it may be a worker of another
    /// version. At the second one its connection is cut, because a new connection costs a stranger more than a message.
    private func reject(_ peer: PeerID, _ error: ProtocolError, _ push: (PartialResult) throws -> Void) throws {
        if link.isMember(peer) || error == .damaged || !link.recordGarbage(of: peer) {
            link.cut(peer)
        } else {
            let refusal = Refusal(code: error.refusalCode, message: "\(error)")
            try link.send(to: peer, Header(kind: .refuse), copying: refusal.encoded())
        }
        try loop.handle(.peerLost(peer, reason: "it broke the protocol: \(error)"), push)
    }

    private func receive(
        _ header: Header, hasPayload: Bool, from peer: PeerID, _ push: (PartialResult) throws -> Void
    ) throws {
        let isForClients = header.kind == .ping || header.kind == .statusRequest
        guard isForClients || header.kind == .hello || header.run == headers.run else {
            return try loop.handle(.messageOfOtherRun(peer), push)
        }
        let size = hasPayload ? link.payloadBytes : 0
        guard header.kind.acceptsPayload(count: size) else {
            throw ProtocolError.payloadSize(kind: header.kind, found: size)
        }
        let member = MemberID(rawValue: header.member)
        switch header.kind {
        case .ping:
            try status.answerPing(header, from: peer, over: link)
        case .statusRequest:
            try status.answerStatus(header, from: peer, over: link) { loop.machine.status }
        case .hello:
            try loop.handle(.hello(peer, try decode()), push)
        case .ready:
            try receiveReady(header, from: peer, member, push)
        case .dataRequest:
            try loop.handle(.dataRequested(peer, member, offset: header.step, count: Int(header.offset)), push)
        case .gradient:
            try receiveGradient(header, from: peer, member, push)
        case .nodeResult:
            try receive(try decode(), header, from: peer, member, push)
        case .blockResult:
            let item = WorkItem(kind: .block, step: header.step, number: header.unit)
            try receiveBlockResult(try decode(), of: item, from: peer, member, push)
        case .timeline:
            timelines.receive(try decode(), from: member)
        case .dataIntact:
            if loop.machine.peer(of: member) == peer { dataChecks.receive(header.step, from: member) }
        case .logLines:
            // Decoding checks up to 20 KB of text: only a member's is worth that.
            guard loop.machine.peer(of: member) == peer else { return }
            let log: LogLines = try decode()
            reporter.saveLogTail(log.lines, of: member) { loop.machine.peer(of: $0) != nil }
        case .goodbye:
            try loop.handle(.goodbye(peer, member, try decode()), push)
        case .welcome, .refuse, .dataChunk, .assign, .parameters, .evaluate, .pong, .status, .timelineRequest,
            .dataCheck:
            throw ProtocolError.unexpectedKind(header.kind)
        }
    }

    private func decode<Body: MessageBody>() throws(ProtocolError) -> Body {
        try link.withPayload { bytes throws(ProtocolError) in try Body(decoding: bytes) }
    }

    /// Pushes a part of a gradient, unless the machine expects no answer to its tree node from this member.
    private func receiveGradient(
        _ header: Header, from peer: PeerID, _ member: MemberID, _ push: (PartialResult) throws -> Void
    ) throws {
        let transport = transport(of: member)
        let item = WorkItem(kind: .node, step: header.step, number: header.unit)
        let part = try transport.part(of: header, payloadBytes: link.payloadBytes)
        guard loop.machine.expects(item, from: peer, member) else { return }
        if try transport.add(part, of: item, from: member) {
            try loop.handle(.answering(peer, member, item), push)
        }
        computedBy[item.node] = member
        try link.withPayload { bytes in
            try transport.push(bytes, part, of: item.node, from: member) { try add($0, from: member, push) }
        }
    }

    private func receive(
        _ result: NodeResult, _ header: Header, from peer: PeerID, _ member: MemberID,
        _ push: (PartialResult) throws -> Void
    ) throws {
        let item = WorkItem(kind: .node, step: header.step, number: header.unit)
        if loop.machine.peer(of: member) == peer { status.add(result.computeNanoseconds, of: member) }
        run.timeline?.mark(.arrival, member: member.rawValue, step: item.step, item: item.number, isAnswer: true)
        if item.number != 0, loop.machine.expects(item, from: peer, member) {
            computedBy[item.node] = member
            do {
                // A loss that is not finite ends the step here, before the gradient has changed the optimizer's memory.
                if !result.lossSum.isFinite { try add(.lossSum(item.node, result.lossSum), from: member, push) }
                try transport(of: member).complete(item, from: member) { try add($0, from: member, push) }
                try add(.lossSum(item.node, result.lossSum), from: member, push)
            } catch let error where !(error is ProtocolError) {
                // The step ends here; the member has answered all the same.
                try loop.handle(.answered(peer, member, item))
                throw error
            }
        }
        try loop.handle(.answered(peer, member, item), push)
    }

    /// Receives the score of an evaluation block. The coordinator computes a block itself whose loss is not finite.
    private func receiveBlockResult(
        _ result: BlockResult, of item: WorkItem, from peer: PeerID, _ member: MemberID,
        _ push: (PartialResult) throws -> Void
    ) throws {
        var isRefuted = false
        if loop.machine.expects(item, from: peer, member) {
            try evaluation.add(result, of: item)
            if !result.lossSum.isFinite, let own = computer.score(of: item, parameters) {
                isRefuted = own.lossSum.isFinite
                evaluation.add(own, of: item)
            }
        }
        try loop.handle(.answered(peer, member, item), push)
        if isRefuted { try loop.handle(.refuted(item, member), push) }
    }

    /// Pushes part of an answer. An audited step's answers wait in the buffer for their comparison instead.
    private func add(
        _ result: PartialResult, from member: MemberID, _ push: (PartialResult) throws -> Void
    ) throws {
        if loop.machine.isAudited { audit.add(result, from: member) } else { try push(result) }
    }

    func reportTransfers() throws {
        let bytes = UInt64(run.layout.count * run.dataType.elementSize)
        try link.forEachTransfer(now: .now) { peer, rate in
            try loop.handle(.transferring(peer, bytesPerSecond: rate, gradientBytes: bytes))
        }
    }

    // MARK: - Shared memory

    /// Handles what the workers have put. Of each at most what a mailbox holds: a worker that puts ever more must keep the loop
    /// neither from the other workers nor from its deadlines.
    ///
    /// While no step is under way, for example once one has been abandoned, `stopsWhenComplete` has no effect: the answers of
    /// all workers are handled.
    func receiveMail(stopsWhenComplete: Bool, _ push: (PartialResult) throws -> Void) throws {
        guard let shared else { return }
        let stops = stopsWhenComplete && !loop.machine.isWorkComplete
        var index = 0
        while let member = shared.member(at: index) {
            try receiveMail(from: member, in: shared, stopsWhenComplete: stops, push)
            if stops && loop.machine.isWorkComplete { return }
            index += 1
        }
    }

    private func receiveMail(
        from member: MemberID, in shared: SharedMemoryTransport, stopsWhenComplete: Bool,
        _ push: (PartialResult) throws -> Void
    ) throws {
        for _ in 0..<Mailbox.capacity {
            guard shared.hasMail(of: member) else { return }
            guard let peer = loop.machine.peer(of: member) else { return shared.closeMailbox(of: member) }
            do {
                guard let (header, result) = try shared.receiveMail(from: member) else { return }
                guard header.run == headers.run else { throw ProtocolError.inconsistent(.nodeResult) }
                try receive(result, header, from: peer, member, push)
            } catch let error as ProtocolError {
                shared.closeMailbox(of: member)
                return try reject(peer, error, push)
            }
            if stopsWhenComplete && loop.machine.isWorkComplete { return }
        }
    }

    func receive(_ event: RegionServer.Event) throws {
        switch event {
        case .claimed(let member, let channel):
            guard let shared else { return }
            guard loop.machine.isPreparing(member), !shared.includes(member) else {
                return shared.server.refuse(member, on: channel)
            }
            do {
                try shared.grant(member, on: channel)
            } catch {
                report(.payloadInline(member, reason: "\(error)"))
            }
        case .ended(let member):
            if let peer = loop.machine.peer(of: member) { link.expectEnd(of: peer) }
        }
    }

    /// Handles a member's ready message, which says whether the member has mapped the memory that it was offered.
    private func receiveReady(
        _ header: Header, from peer: PeerID, _ member: MemberID, _ push: (PartialResult) throws -> Void
    ) throws {
        let sharesMemory = header.unit >= 1
        // A repeated message, or one from another peer, changes no shared memory.
        guard loop.machine.isPreparing(member), loop.machine.peer(of: member) == peer else {
            return try loop.handle(.ready(peer, member, try decode(), sharesMemory: sharesMemory), push)
        }
        guard !sharesMemory || shared?.includes(member) == true else { throw ProtocolError.inconsistent(.ready) }
        guard sharesMemory || !run.transport.requiresSharedMemory else {
            let refusal = Refusal(
                code: .transport,
                message: "the run requires payload in shared memory, and this worker shares none with the coordinator; "
                    + "start the run with --transport auto")
            try link.send(to: peer, headers.header(.refuse, member), copying: refusal.encoded())
            report(.refused(host: nil, refusal))
            return try loop.handle(.peerLost(peer, reason: "it shares no memory with the coordinator"), push)
        }
        if !sharesMemory { shared?.revoke(member) }
        if header.unit == 2 { shared?.openMailbox(of: member) }
        try loop.handle(.ready(peer, member, try decode(), sharesMemory: sharesMemory), push)
        link.setMember(loop.machine.peer(of: member) == peer && !loop.machine.isPreparing(member), peer)
    }
}

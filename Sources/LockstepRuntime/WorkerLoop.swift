import LockstepBLAS
import LockstepCluster
import LockstepData
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import LockstepTraining
import ZeroMQ

/// A worker process: a thin loop around ``WorkerMachine``, which decides everything.
///
/// Computing happens on this thread; libzmq's own thread keeps the heartbeat meanwhile.
final class WorkerLoop {
    private let link: WorkerLink
    private var poller: Poller
    private var machine: WorkerMachine
    private var actions: [WorkerAction] = []
    private let options: WorkerOptions
    private let shouldStop: () -> Bool
    private var task: WorkerTask?
    /// Tasks of earlier runs: libzmq may still hold references to their gradients.
    private var retired: [WorkerTask] = []
    private var incoming: IncomingDataset?
    private var dataset: Dataset?
    /// Handshakes that were broken off one after the other.
    private var brokenHandshakes = 0
    /// Where the gradient of the node at hand goes in shared memory.
    private var slot = 0
    /// Watches the connection over which shared memory came.
    private var connectionToken: Poller.Token?
    /// When a coordinator whose process has gone counts as lost if libzmq has not said so by then.
    private var endDeadline: Moment?
    private var fault = InjectedFault.fromEnvironment
    /// What happened last, for whoever wants to know why this process failed.
    private(set) var history = MachineHistory<WorkerEvent, WorkerAction>()
    /// Whether it has ever been welcomed by a coordinator.
    private(set) var hasBeenMember = false

    init(
        link: WorkerLink, context: Context, deadlines: Deadlines, options: WorkerOptions, interruption: Int32?,
        shouldStop: @escaping () -> Bool
    ) {
        self.link = link
        self.poller = Poller(context: context)
        self.machine = WorkerMachine(deadlines: deadlines, now: .now)
        self.options = options
        self.shouldStop = shouldStop
        link.register(in: &poller)
        if let interruption { _ = poller.add(descriptor: interruption) }
    }

    /// Serves until the run is over; throws how it ended otherwise.
    func run() throws {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        while true {
            task?.timeline?.enter(.send)
            try link.flush()
            let deadline = Moment.earlier(machine.nextDeadline, endDeadline)
            task?.timeline?.enter(.wait)
            _ = try poller.wait(timeoutMilliseconds: Poller.timeout(until: deadline, now: .now))
            task?.timeline?.enter(.receive)
            link.noteReadiness(in: poller)
            while let event = try link.receive() {
                try take(event)
                if shouldStop() { break }
            }
            if shouldStop() { try handle(.stop) }
            try watchCoordinator()
            if let deadline = machine.nextDeadline, deadline <= .now { try handle(.tick) }
        }
    }

    /// The end of the connection over which shared memory came is the coordinator's. libzmq sees it, too, and what the
    /// coordinator said last comes first.
    private func watchCoordinator() throws {
        if let token = connectionToken, !poller.events(for: token).isEmpty, task?.regions?.hasEnded() == true {
            poller.remove(token)
            connectionToken = nil
            endDeadline = Moment.now.advanced(bySeconds: 0.05)
        }
        if let deadline = endDeadline, deadline <= .now {
            endDeadline = nil
            try handle(.disconnected)
        }
    }

    /// Tells the coordinator, while there is one that listens, of an error that ends this process.
    func report(_ error: any Error) {
        // What was to be done when it struck is not done any more.
        actions.removeAll()
        try? handle(.unable(reason: "\(error)"))
    }

    // MARK: - Events

    private func take(_ event: WorkerLink.Event) throws {
        switch event {
        case .connected:
            brokenHandshakes = 0
            try handle(.connected)
        case .handshakeFailed(let failure): try take(failure)
        case .disconnected: try handle(.disconnected)
        case .garbage(let error): try handle(.confused(reason: "\(error)"))
        case .message(let header, let hasPayload):
            do {
                try take(header, hasPayload: hasPayload)
            } catch let error as ProtocolError {
                try handle(.confused(reason: "\(error)"))
            }
        }
    }

    /// What more attempts would not change ends the worker; what might have been chance is told once it keeps happening.
    private func take(_ failure: SocketEvent.HandshakeFailure) throws {
        if let reason = failure.finalReason(endpoint: link.endpoint, hasKeys: link.hasKeys) {
            return try handle(.turnedAway(reason: reason))
        }
        brokenHandshakes += 1
        if brokenHandshakes == 3 { options.notify(.brokenOff(endpoint: "\(link.endpoint)")) }
    }

    private func take(_ header: Header, hasPayload: Bool) throws {
        let size = hasPayload ? link.payload.count : 0
        guard header.kind.acceptsPayload(count: size) else {
            throw ProtocolError.payloadSize(kind: header.kind, found: size)
        }
        switch header.kind {
        case .welcome:
            hasBeenMember = true
            try handle(.welcomed(run: header.run, MemberID(rawValue: header.member)))
        case .refuse:
            try handle(.refused(decode()))
        case .dataChunk, .assign, .parameters, .evaluate, .goodbye, .timelineRequest:
            // What is said to somebody we no longer are is not for us.
            let addressee = WorkerMachine.Membership(run: header.run, member: MemberID(rawValue: header.member))
            guard machine.membership == addressee else { return }
            try takeOwn(header)
        case .hello, .ready, .dataRequest, .gradient, .nodeResult, .blockResult, .ping, .pong, .statusRequest, .status,
            .timeline, .logLines:
            throw ProtocolError.unexpectedKind(header.kind)
        }
    }

    private func takeOwn(_ header: Header) throws {
        switch header.kind {
        case .dataChunk:
            incoming?.append(link.payload, at: header.step)
            try handle(.dataReceived(offset: header.step, count: link.payload.count))
        case .parameters:
            guard let task else { return }
            let chunk = try FloatPayload.chunkIndex(
                of: header, payloadBytes: link.payload.count,
                elementSize: task.elementSize(ofVersion: header.step), in: task.chunks)
            try handle(.parameters(version: header.step, chunk: chunk))
        case .assign:
            slot = Int(header.segment)
            try handle(.assigned(WorkUnit(kind: .node, step: header.step, number: header.unit)))
        case .evaluate:
            try handle(.assigned(WorkUnit(kind: .block, step: header.step, number: header.unit)))
        case .timelineRequest:
            try reportTimeline()
        case .goodbye:
            try handle(.dismissed(decode()))
        default:
            throw ProtocolError.unexpectedKind(header.kind)
        }
    }

    private func decode<Body: MessageBody>() throws(ProtocolError) -> Body {
        try link.payload.withUnsafeBytes { bytes throws(ProtocolError) in try Body(decoding: bytes) }
    }

    // MARK: - Actions

    private func handle(_ event: WorkerEvent) throws {
        follow(event)
        var index = 0
        while index < actions.count {
            try perform(actions[index])
            index += 1
        }
        actions.removeAll(keepingCapacity: true)
    }

    /// Carries an action out; what comes of it goes into the machine and may add to the list.
    private func perform(_ action: WorkerAction) throws {
        switch action {
        case .sendHello:
            let hello = Hello(
                programVersion: programVersion, host: options.host, processID: UInt32(options.processID))
            try link.send(Header(kind: .hello), copying: hello.encoded())
        case .prepare:
            try prepare()
        case .requestData(let offset, let count):
            try link.post(header(.dataRequest, step: offset, offset: UInt32(count)))
        case .acceptData:
            acceptData()
        case .prove:
            prove()
        case .sendReady(let ready):
            try link.send(header(.ready, unit: task?.regions == nil ? 0 : 1), copying: ready.encoded())
        case .store(let version, let chunk):
            task?.store(link.payload, version: version, chunk: chunk)
        case .compute(let unit):
            try compute(unit)
        case .acknowledge(let unit):
            task?.timeline?.step = unit.step
            mark(.arrival, unit)
            try answer(unit, with: NodeResult(loss: 0, computeNanoseconds: 0))
        case .sendGoodbye(let goodbye):
            if goodbye.code == .failed {
                try link.send(header(.logLines), copying: LogLines(lines: options.lastLines()).encoded())
            }
            try link.send(header(.goodbye), copying: goodbye.encoded())
        case .notify(let notice):
            options.notify(notice)
        case .exit(let ending):
            link.close()
            throw ending
        }
    }

    /// Takes an event in; what comes of it is added to the list.
    private func follow(_ event: WorkerEvent) {
        let (now, first) = (Moment.now, actions.count)
        machine.handle(event, now: now, into: &actions)
        history.append(event, actions[first...], at: now)
    }

    /// Reads the welcome and looks for the run's data set.
    private func prepare() throws {
        do {
            let welcome = try link.payload.withUnsafeBytes { try Welcome(decoding: $0) }
            let task = try task(for: welcome)
            try share(memoryOf: welcome, task)
            machine.expectWeights(chunks: task.regions == nil ? task.chunks.chunks.count : nil)
            if let regions = task.regions { dataset = regions.dataset }
            machine.setRejoinTimeout(task.configuration.timeouts.rejoin)
            if dataset?.description != welcome.dataset { dataset = options.findDataset(welcome.dataset) }
            if dataset != nil {
                follow(.dataReady)
            } else {
                let incoming = try IncomingDataset(welcome.dataset)
                self.incoming = incoming
                follow(.dataMissing(bytes: UInt64(incoming.count)))
            }
        } catch {
            follow(.unable(reason: "the coordinator's welcome cannot be used: \(error)"))
        }
    }

    /// The task of this welcome: the one at hand if it is for the same run configuration.
    private func task(for welcome: Welcome) throws -> WorkerTask {
        if let task, task.configuration == welcome.configuration { return task }
        let task = try WorkerTask(welcome, forcedKernel: options.kernel)
        if let old = self.task { retired.append(old) }
        self.task = task
        return task
    }

    /// Asks for shared memory where the coordinator offers it; what cannot be shared travels in messages.
    private func share(memoryOf welcome: Welcome, _ task: WorkerTask) throws {
        if let token = connectionToken.take() { poller.remove(token) }
        task.share(nil)
        guard let source = welcome.regions, let membership = machine.membership, options.transport != .inline else {
            return
        }
        do {
            let claim = RegionMessage(.claim, run: membership.run, member: membership.member.rawValue)
            let regions = try WorkerRegions(from: source, claim, layout: task.regionLayout, dataset: welcome.dataset)
            task.share(regions)
            connectionToken = regions.descriptor.map { poller.add(descriptor: $0) }
        } catch  where options.transport == .auto {
            options.notify(.payloadInline(reason: "\(error)"))
        }
    }

    private func acceptData() {
        guard let received = incoming.take() else { return }
        do {
            dataset = try received.finish()
            if let dataset { options.keep(dataset) }
            follow(.dataReady)
        } catch {
            follow(.unable(reason: "the data set that the coordinator sent cannot be used: \(error)"))
        }
    }

    private func prove() {
        guard let task, let dataset else { return }
        do {
            follow(.proved(try task.prove(dataset)))
        } catch {
            follow(.unable(reason: "\(error)"))
        }
    }

    // MARK: - Work

    private func compute(_ unit: WorkUnit) throws {
        guard let task else { return }
        let start = Moment.now
        defer { task.timeline?.enter(.send) }
        try fault.willCompute(unit)
        switch unit.kind {
        case .node:
            task.timeline?.step = unit.step
            mark(.arrival, unit)
            let loss = try task.gradient(of: unit, slot: slot) { chunk, floats in
                let header = header(
                    .gradient, step: unit.step, unit: unit.number, segment: UInt32(chunk.segment),
                    offset: UInt32(chunk.offset))
                fault.willSend(floats, of: unit)
                try link.post(header, borrowing: floats)
            } finish: {
                fault.willSend($0, of: unit)
            }
            guard let loss else { return follow(.confused(reason: "step \(unit.step) has no node \(unit.number)")) }
            let elapsed = Moment.now.nanoseconds - start.nanoseconds
            try answer(unit, with: NodeResult(loss: loss, computeNanoseconds: elapsed))
        case .block:
            guard let score = task.score(of: unit) else {
                return follow(.confused(reason: "there is no evaluation block \(unit.number)"))
            }
            let result = BlockResult(
                cost: score.cost, computeNanoseconds: Moment.now.nanoseconds - start.nanoseconds,
                correct: UInt32(score.correct), total: UInt32(score.total),
                predictions: score.predictions.map { UInt32($0) })
            try link.send(header(.blockResult, step: unit.step, unit: unit.number), copying: result.encoded())
        }
    }

    /// Notes an end of a message about a unit: its assignment arrives, its answer leaves.
    private func mark(_ kind: Timeline.Span.Kind, _ unit: WorkUnit) {
        let member = machine.membership?.member.rawValue ?? 0
        task?.timeline?.mark(kind, member: member, unit: unit, isAnswer: kind == .departure)
    }

    /// Tells where the time went, and begins to note it anew.
    private func reportTimeline() throws {
        let timeline = task?.timeline
        let report = TimelineReport(
            clock: Timeline.now, totals: timeline?.totals ?? [], spans: timeline?.spans ?? [])
        timeline?.reset()
        try link.send(header(.timeline), copying: report.encoded())
    }

    private func answer(_ unit: WorkUnit, with result: NodeResult) throws {
        task?.timeline?.enter(.send)
        mark(.departure, unit)
        let header = header(.nodeResult, step: unit.step, unit: unit.number)
        try withUnsafeTemporaryAllocation(byteCount: NodeResult.size, alignment: 8) { bytes in
            result.encode(into: bytes)
            try link.flush(endingWith: (header, UnsafeRawBufferPointer(bytes)))
        }
    }

    private func header(
        _ kind: MessageKind, step: UInt64 = 0, unit: UInt32 = 0, segment: UInt32 = 0, offset: UInt32 = 0
    ) -> Header {
        Header(
            kind: kind, run: machine.membership?.run ?? 0, member: machine.membership?.member.rawValue ?? 0,
            unit: unit, step: step, segment: segment, offset: offset)
    }
}

import LockstepProtocol
import LockstepSharding
package import LockstepTimeline

/// A worker's decisions: when to say hello, what to fetch, which assignments to carry out.
///
/// Like the coordinator's machine it does no I/O and reads no clock. Computing an item is one action. The worker
/// decides nothing else meanwhile, because it is a single thread.
package struct WorkerMachine: Sendable {
    /// connecting -> preparing -> (fetching ->) proving -> serving -> ended, and back to connecting from every state
    /// except ended.
    enum State: Hashable, Sendable {
        /// Waits for a connection, or for an answer to its hello.
        case connecting(until: Instant, nextHello: Instant?)
        /// Has been welcomed; reads the configuration and looks for the data set.
        case preparing
        /// Requests the data set part by part.
        case fetching(DatasetTransfer)
        /// Opens the compute library and computes the fingerprint.
        case proving
        case serving
        case ended
    }

    private var deadlines: Deadlines
    /// Whether the worker ends only with a finished run: it waits for a coordinator that resumes an interrupted one.
    private let endsOnlyWhenFinished: Bool
    private var isConnected = false
    private(set) var state: State
    /// The present membership; nil if there is none.
    package private(set) var membership: Membership?
    /// The chunks of the weights that have arrived; nil if the worker reads the weights in shared memory.
    private var weights: VersionedChunkSets?
    /// The chunk whose parts are coming, and its version.
    private var arriving = (version: UInt64(0), chunk: ArrivingChunk())
    /// How long the weights of the next work have been on their way.
    private var arrival = WeightsArrival()
    private var sharesMemory = false
    /// Memberships in a row, the present one included, of which nothing has come: neither data nor work.
    private var fruitlessMemberships = 0
    /// Seconds that the worker waits for a coordinator at present.
    private var waitSeconds: Double
    /// The last refusal of a run that is full, and the pause before the next hello.
    private var fullness: (refusal: Refusal, pause: Double)?
    /// When to ask a coordinator that says nothing for a sign of life, and how often it has been asked in vain.
    private var pings: (next: Instant, unanswered: Int)

    /// The run's number, and the worker's member ID in it.
    package struct Membership: Hashable, Sendable {
        package let run: UInt32
        package let member: MemberID

        package init(run: UInt32, member: MemberID) {
            self.run = run
            self.member = member
        }
    }

    /// Starts to wait for a connection to the coordinator.
    package init(deadlines: Deadlines, endsOnlyWhenFinished: Bool = false, now: Instant) {
        self.deadlines = deadlines
        self.endsOnlyWhenFinished = endsOnlyWhenFinished
        self.waitSeconds = deadlines.start
        self.pings = (now, 0)
        self.state = .connecting(until: now.advanced(bySeconds: deadlines.start), nextHello: nil)
    }

    /// Handles an event and appends the actions that follow from it.
    package mutating func handle(_ event: WorkerEvent, now: Instant, into actions: inout [WorkerAction]) {
        guard state != .ended else { return }
        switch event {
        case .connected:
            isConnected = true
            if case .connecting(let until, _) = state { sayHello(until: until, now: now, into: &actions) }
        case .disconnected:
            loseCoordinator(now: now, into: &actions)
        case .welcomed(let run, let member):
            // A welcome over a connection that has ended is void: the coordinator ends its membership without a
            // message.
            guard isConnected, case .connecting = state else { return }
            membership = Membership(run: run, member: member)
            fruitlessMemberships += 1
            state = .preparing
            expectSignOfLife(from: now)
            actions.append(.prepare)
        case .refused(let refusal):
            refused(refusal, now: now, into: &actions)
        case .dataReady:
            state = .proving
            actions.append(.prove)
        case .dataMissing(let bytes, let received):
            state = .fetching(DatasetTransfer(total: bytes, received: received))
            expectSignOfLife(from: now)
            actions.append(.notify(.fetchingData(bytes: bytes - min(received, bytes))))
            requestData(now: now, into: &actions)
        case .dataReceived(let offset, let count):
            receiveData(offset: offset, count: count, now: now, into: &actions)
        case .proved(let ready):
            guard case .proving = state else { return }
            actions.append(.sendReady(ready))
            state = .serving
            expectSignOfLife(from: now)
            if let membership { actions.append(.notify(.joined(membership.member))) }
        case .parameters(let version, let part):
            store(part, version: version, now: now, into: &actions)
        case .assigned(let item):
            work(on: item, now: now, into: &actions)
        case .dataCheckRequested(let number):
            guard case .serving = state else { return }
            expectSignOfLife(from: now)
            actions.append(.checkData(number: number))
        case .dataChanged:
            let reason =
                "the data set has changed in this process's memory, so answers of this process may be wrong; check this "
                + "host's memory and processor"
            sayGoodbye(Goodbye(code: .dataChanged, message: reason), into: &actions)
            end(.unable(reason: reason), into: &actions)
        case .ponged:
            expectSignOfLife(from: now)
        case .dismissed(let goodbye):
            dismissed(goodbye, now: now, into: &actions)
        case .unable(let reason):
            sayGoodbye(Goodbye(code: .failed, message: reason), into: &actions)
            end(.unable(reason: reason), into: &actions)
        case .modelFailed(let reason):
            sayGoodbye(Goodbye(code: .modelFailed, message: reason), into: &actions)
            end(.unable(reason: reason), into: &actions)
        case .rejected(let reason):
            end(.rejected(reason: reason), into: &actions)
        case .protocolBroken(let reason):
            rejoin(reason: reason, now: now, into: &actions)
        case .stop:
            sayGoodbye(Goodbye(code: .stopping, message: "asked to stop"), into: &actions)
            end(.stopped, into: &actions)
        case .tick:
            checkDeadlines(now: now, into: &actions)
        }
    }

    /// Sets the number of chunks of the weights once the worker has read the configuration; nil if the worker reads the
    /// weights in shared memory, where those of an assignment's version are always complete.
    package mutating func expectWeights(chunks: Int?) {
        weights = chunks.map { VersionedChunkSets(capacity: $0) }
        arriving.chunk = ArrivingChunk()
        arrival = WeightsArrival()
        sharesMemory = chunks == nil
    }

    /// Sets the run's timeout for a lost coordinator, in seconds.
    package mutating func setRejoinTimeout(_ seconds: Double) {
        deadlines.rejoin = seconds
    }

    /// When a tick is due at the latest.
    package var nextDeadline: Instant? {
        switch state {
        case .connecting(let until, let nextHello): min(until, nextHello ?? until)
        case .preparing, .fetching, .proving, .serving: pings.next
        case .ended: nil
        }
    }

    // MARK: - Joining

    private mutating func sayHello(until: Instant, now: Instant, into actions: inout [WorkerAction]) {
        state = .connecting(until: until, nextHello: now.advanced(bySeconds: deadlines.hello))
        actions.append(.sendHello)
    }

    private mutating func loseCoordinator(now: Instant, into actions: inout [WorkerAction]) {
        isConnected = false
        fullness = nil
        if case .connecting(let until, _) = state {
            state = .connecting(until: until, nextHello: nil)
        } else {
            membership = nil
            guard mayJoinAgain(into: &actions) else { return }
            let seconds = endsOnlyWhenFinished ? max(deadlines.start, deadlines.rejoin) : deadlines.rejoin
            wait(seconds: seconds, now: now)
            actions.append(.notify(.lostCoordinator(seconds: seconds)))
        }
    }

    private mutating func dismissed(_ goodbye: Goodbye, now: Instant, into actions: inout [WorkerAction]) {
        if endsOnlyWhenFinished, goodbye.code != .finished {
            awaitResumption(message: goodbye.message, now: now, into: &actions)
        } else {
            end(goodbye.code.isFailure ? .failed(message: goodbye.message) : .finished, into: &actions)
        }
    }

    /// Waits for a coordinator that resumes the run. It says hello once the connection to the present one has ended.
    private mutating func awaitResumption(message: String, now: Instant, into actions: inout [WorkerAction]) {
        (membership, fullness) = (nil, nil)
        guard mayJoinAgain(into: &actions) else { return }
        wait(seconds: deadlines.start, now: now)
        actions.append(.notify(.runInterrupted(message: message, seconds: deadlines.start)))
    }

    private mutating func refused(_ refusal: Refusal, now: Instant, into actions: inout [WorkerAction]) {
        if refusal.code == .rejoin {
            rejoin(reason: refusal.message, now: now, into: &actions)
        } else if refusal.code == .full {
            askAgainLater(refusal, now: now, into: &actions)
        } else if refusal.code == .ending, endsOnlyWhenFinished {
            awaitResumption(message: refusal.message, now: now, into: &actions)
        } else {
            end(.refused(refusal), into: &actions)
        }
    }

    /// Says hello again after a pause to a run that is full: it may still count a worker that has gone, this one's own lost
    /// connection for example.
    private mutating func askAgainLater(_ refusal: Refusal, now: Instant, into actions: inout [WorkerAction]) {
        if membership != nil {
            // The link has shown that it works.
            (membership, fruitlessMemberships) = (nil, 0)
            wait(seconds: deadlines.start, now: now)
        }
        guard case .connecting(let until, _) = state else { return }
        if fullness == nil {
            let seconds = until.seconds(since: now)
            actions.append(.notify(.runIsFull(refusal, seconds: seconds)))
        }
        let pause = fullness.map { min(2 * $0.pause, deadlines.longestRetryWhenFull) } ?? deadlines.retryWhenFull
        fullness = (refusal, pause)
        state = .connecting(until: until, nextHello: now.advanced(bySeconds: pause))
    }

    /// Begins to wait for a coordinator.
    private mutating func wait(seconds: Double, now: Instant) {
        waitSeconds = seconds
        state = .connecting(until: now.advanced(bySeconds: seconds), nextHello: nil)
    }

    /// Ends the worker if nothing has come of too many memberships in a row.
    private mutating func mayJoinAgain(into actions: inout [WorkerAction]) -> Bool {
        guard fruitlessMemberships >= deadlines.fruitlessMemberships else { return true }
        end(.brokenLink(memberships: fruitlessMemberships), into: &actions)
        return false
    }

    /// Ends the membership and says hello again. Without a membership it does nothing.
    private mutating func rejoin(reason: String, now: Instant, into actions: inout [WorkerAction]) {
        if case .connecting = state { return }
        (membership, fullness) = (nil, nil)
        guard mayJoinAgain(into: &actions) else { return }
        actions.append(.notify(.rejoining(reason: reason)))
        wait(seconds: deadlines.rejoin, now: now)
        if isConnected, case .connecting(let until, _) = state { sayHello(until: until, now: now, into: &actions) }
    }

    private mutating func checkDeadlines(now: Instant, into actions: inout [WorkerAction]) {
        guard case .connecting(let until, let nextHello) = state else {
            return checkSilence(now: now, into: &actions)
        }
        if until <= now {
            end(fullness.map { .refused($0.refusal) } ?? .noCoordinator(seconds: waitSeconds), into: &actions)
        } else if let nextHello, nextHello <= now {
            sayHello(until: until, now: now, into: &actions)
        }
    }

    /// Asks a coordinator that says nothing whether it still works, and leaves it when several pings are unanswered.
    ///
    /// Each ping waits for its own answer. So a worker that computed or was stopped meanwhile, and reads late what has come,
    /// does not take its own absence for the coordinator's.
    private mutating func checkSilence(now: Instant, into actions: inout [WorkerAction]) {
        guard pings.next <= now else { return }
        guard pings.unanswered < deadlines.pings else {
            let seconds = Int(deadlines.ping * Double(deadlines.pings + 1))
            return rejoin(
                reason: "the coordinator has said nothing for \(seconds) s", now: now, into: &actions)
        }
        actions.append(.sendPing)
        pings = (now.advanced(bySeconds: deadlines.ping), pings.unanswered + 1)
    }

    /// Begins to wait for the next message of the coordinator: it has sent one, or must send the next.
    private mutating func expectSignOfLife(from now: Instant) {
        pings = (now.advanced(bySeconds: deadlines.ping), 0)
    }

    /// Ends the worker if the weights of a step alone take longer than a step may.
    private mutating func checkLink(into actions: inout [WorkerAction]) {
        guard arrival.seconds >= deadlines.weights, let weights else { return }
        let seconds = arrival.secondsOfStep(chunks: weights.capacity)
        let reason =
            "this link is too slow: it needs \(Int(min(seconds, 1e9).rounded())) s a step, and \(Int(deadlines.firstAnswer)) s are "
            + "allowed; set communication-dtype: bfloat16, take a smaller network, or larger mini-batches and so fewer steps"
        sayGoodbye(Goodbye(code: .failed, message: reason), into: &actions)
        end(.unable(reason: reason), into: &actions)
    }

    private mutating func sayGoodbye(_ goodbye: Goodbye, into actions: inout [WorkerAction]) {
        if membership != nil { actions.append(.sendGoodbye(goodbye)) }
    }

    private mutating func end(_ ending: WorkerEnding, into actions: inout [WorkerAction]) {
        state = .ended
        actions.append(.exit(ending))
    }

    // MARK: - Fetching the data set

    private mutating func requestData(now: Instant, into actions: inout [WorkerAction]) {
        guard case .fetching(var transfer) = state else { return }
        while let part = transfer.nextPart(at: now) {
            actions.append(.requestData(offset: part.offset, count: part.count))
        }
        state = .fetching(transfer)
    }

    private mutating func receiveData(
        offset: UInt64, count: Int, now: Instant, into actions: inout [WorkerAction]
    ) {
        guard case .fetching(var transfer) = state else { return }
        // The coordinator has sent this part twice.
        guard offset >= transfer.received else { return }
        guard transfer.receive(offset: offset, count: count, at: now) else {
            return rejoin(reason: "a part of the data set came out of order", now: now, into: &actions)
        }
        fruitlessMemberships = 0
        state = .fetching(transfer)
        expectSignOfLife(from: now)
        if transfer.isComplete {
            state = .preparing
            actions.append(.acceptData)
        } else {
            requestData(now: now, into: &actions)
        }
    }

    // MARK: - Working

    private mutating func store(
        _ part: ChunkPart, version: UInt64, now: Instant, into actions: inout [WorkerAction]
    ) {
        guard case .serving = state else { return }
        guard !sharesMemory else {
            return rejoin(
                reason: "the coordinator sent weights although they are in shared memory", now: now, into: &actions)
        }
        // A chunk comes again if the coordinator repeats the step before it: the later one counts.
        weights?[version].reset(to: version)
        guard arriving.chunk.isEmpty || arriving.version == version, arriving.chunk.insert(part) else {
            return rejoin(
                reason: "parts of chunk \(part.chunk) of weights \(version) came out of order", now: now, into: &actions
            )
        }
        arriving.version = version
        arrival.add(part, at: now)
        if part.isLast { _ = weights?[version].insert(part.chunk) }
        expectSignOfLife(from: now)
        actions.append(.store(version: version, part))
        checkLink(into: &actions)
    }

    private mutating func work(on item: WorkItem, now: Instant, into actions: inout [WorkerAction]) {
        guard case .serving = state else { return }
        guard sharesMemory || weights?[item.step].isComplete(item.step) == true else {
            return rejoin(
                reason: "the coordinator assigned work before it had sent all of weights \(item.step)", now: now,
                into: &actions)
        }
        fruitlessMemberships = 0
        expectSignOfLife(from: now)
        arrival = WeightsArrival()
        if item.kind == .node && item.number == 0 {
            actions.append(.acknowledge(item))
        } else {
            actions.append(.compute(item))
        }
    }
}

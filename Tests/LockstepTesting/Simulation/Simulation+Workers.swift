import LockstepCluster
import LockstepProtocol
import LockstepSharding
import LockstepTimeline

/// Worker processes. Each is a single thread, which decides nothing while it computes.
extension Simulation {
    /// Starts a process. A process started by hand has no place.
    func start(place: Int?) {
        processes.append(
            SimulatedProcess(place: place, isFaulty: plan.hasFaultyWorker && place == 0, chunks: plan.chunks, now: now))
        let index = processes.count - 1
        queue.add(.connects(process: index), at: time + 1_000_000 + random.number(below: 20_000_000))
        wakeWorker(index, at: time + 61_000_000_000)
    }

    func wakeWorker(_ index: Int, at instant: UInt64) {
        guard instant < processes[index].nextWake else { return }
        processes[index].nextWake = instant
        queue.add(.workerWakes(process: index), at: instant)
    }

    /// One turn of a worker's loop: messages, then changes of the connection, then deadlines.
    func wake(_ index: Int) {
        guard time >= processes[index].nextWake else { return }
        processes[index].nextWake = .max
        guard processes[index].isAlive else { return }
        if processes[index].stoppedUntil > time { return wakeWorker(index, at: processes[index].stoppedUntil) }
        if processes[index].busyUntil > time { return wakeWorker(index, at: processes[index].busyUntil) }
        if processes[index].computing != nil { finishComputing(index) }
        while processes[index].isAlive, processes[index].computing == nil {
            if let (message, value) = processes[index].inbox.first {
                processes[index].inbox.removeFirst()
                receive(message, value, by: index)
            } else if let change = processes[index].connectionChanges.first {
                processes[index].connectionChanges.removeFirst()
                handle(change == .connected ? .connected : .disconnected, by: index)
            } else {
                break
            }
            if processes[index].isAskedToStop { break }
        }
        guard processes[index].isAlive, processes[index].computing == nil else { return }
        if processes[index].isAskedToStop { handle(.stop, by: index) }
        if let deadline = processes[index].machine.nextDeadline {
            if deadline <= now { handle(.tick, by: index) }
            if let next = processes[index].machine.nextDeadline, processes[index].isAlive {
                wakeWorker(index, at: max(time + 1, next.nanoseconds))
            }
        }
    }

    private func receive(_ message: Downward, _ value: UInt64, by index: Int) {
        let own = processes[index].machine.membership
        switch message {
        case .welcome(let membership):
            handle(.welcomed(run: membership.run, membership.member), by: index)
        case .refuse(let refusal):
            handle(.refused(refusal), by: index)
        case .dataChunk(let addressee, let offset, let count):
            if addressee == own { handle(.dataReceived(offset: offset, count: count), by: index) }
        case .parameters(let addressee, let version, let part):
            if addressee == own { handle(.parameters(version: version, part), by: index, value) }
        case .assign(let addressee, let item):
            if addressee == own { handle(.assigned(item), by: index) }
        case .pong:
            handle(.ponged, by: index)
        case .goodbye(let addressee, let goodbye):
            if addressee == own { handle(.dismissed(goodbye), by: index) }
        }
    }

    private func handle(_ event: WorkerEvent, by index: Int, _ value: UInt64 = 0) {
        var actions: [WorkerAction] = []
        processes[index].machine.handle(event, now: now, into: &actions)
        var next = 0
        while next < actions.count {
            perform(actions[next], by: index, value, &actions)
            next += 1
        }
    }

    private func perform(_ action: WorkerAction, by index: Int, _ value: UInt64, _ actions: inout [WorkerAction]) {
        let speaker = processes[index].machine.membership
        switch action {
        case .sendHello:
            let hello = Hello(
                programVersion: "simulation", host: "here", processID: UInt32(index),
                processes: plan.capacity(ofProcess: index))
            send(.hello(hello), from: index)
        case .prepare:
            processes[index].machine.expectWeights(chunks: plan.sharesMemory ? nil : plan.chunks)
            let event: WorkerEvent =
                plan.fetchesData && !processes[index].fetched ? .dataMissing(bytes: Self.dataBytes) : .dataReady
            processes[index].machine.handle(event, now: now, into: &actions)
        case .requestData(let offset, let count):
            send(.dataRequest(speaker, offset: offset, count: count), from: index)
        case .acceptData:
            processes[index].fetched = true
            processes[index].machine.handle(.dataReady, now: now, into: &actions)
        case .prove:
            processes[index].machine.handle(
                .proved(Ready(kernel: "stand-in", fingerprint: [])), now: now, into: &actions)
        case .sendReady(let ready):
            send(.ready(speaker, ready), from: index)
        case .store(let version, let part):
            let before = processes[index].weights[Int(version & 1)][part.chunk]
            // Parts of different weights make weights that no step has had.
            let isTorn = part.elements.lowerBound > 0 && before != value
            processes[index].weights[Int(version & 1)][part.chunk] = isTorn ? ~value : value
        case .compute(let item):
            startComputing(item, index)
        case .acknowledge(let item):
            send(.result(speaker, item, Answer(digest: 0)), from: index)
        case .checkData:
            // The coordinator of a simulation asks for no check.
            break
        case .sendGoodbye(let goodbye):
            send(.goodbye(speaker, goodbye), from: index)
        case .sendPing:
            send(.ping, from: index)
        case .notify(let notice):
            log { "process \(index): \(notice)" }
        case .exit(let ending):
            log { "process \(index) exits: \(ending)" }
            end(index, .left, noticedAfter: delay())
        }
    }

    // MARK: - Computing

    private func startComputing(_ item: WorkItem, _ index: Int) {
        let sampleCount: Int
        switch item.kind {
        case .node:
            guard tree(of: item.step).contains(item.node) else { return report("asked for no node: \(item)") }
            sampleCount = tree(of: item.step).samples(of: item.node).count
        case .block:
            sampleCount = 3
        }
        let read = weightsAtHand(of: index, item.step)
        processes[index].computing = SimulatedProcess.Computing(
            item: item, speaker: processes[index].machine.membership,
            firstHalf: Array(read.prefix((plan.chunks + 1) / 2)))
        let jitter = random.number(below: plan.nanosecondsPerSample / 4)
        let capacity = item.kind == .node ? UInt64(plan.capacity(ofProcess: index)) : 1
        var duration = UInt64(sampleCount) / capacity * plan.nanosecondsPerSample * processes[index].slowness + jitter
        if processes[index].hangs { duration = 1_000_000_000_000_000 }
        processes[index].busyUntil = time + duration
        wakeWorker(index, at: time + duration)
    }

    /// The weights that a worker reads: the coordinator's own if memory is shared, otherwise its copies.
    private func weightsAtHand(of index: Int, _ version: UInt64) -> [UInt64] {
        plan.sharesMemory ? weights[Int(version & 1)] : processes[index].weights[Int(version & 1)]
    }

    private func finishComputing(_ index: Int) {
        guard let computing = processes[index].computing else { return }
        processes[index].computing = nil
        let item = computing.item
        let secondHalf = weightsAtHand(of: index, item.step).dropFirst(computing.firstHalf.count)
        var answer = Answer(digest: StandInArithmetic.digest(computing.firstHalf + secondHalf))
        if processes[index].isFaulty, item.kind == .node, random.chance(1, in: 3) {
            answer.faultyProcess = index + 1
            wrongAnswers += 1
        }
        if item.kind == .node {
            for chunk in (0..<plan.chunks).reversed() {
                for part in plan.parts(of: chunk) {
                    send(.gradient(computing.speaker, item, part, answer), from: index)
                }
            }
        }
        send(.result(computing.speaker, item, answer), from: index)
    }

    // MARK: - The end of a process

    /// Ends a process; its parent restarts it if it died.
    func end(_ index: Int, _ ending: RestartPolicy.Ending, noticedAfter: UInt64) {
        guard processes[index].isAlive else { return }
        processes[index].isAlive = false
        if let connection = processes[index].connection {
            // The coordinator reads the last message before it detects the end.
            let rest = ending == .left ? max(time, connections[connection].lastUp) - time : 0
            let wasOpen = connections[connection].isOpen
            breakConnection(connection, coordinatorAfter: rest + noticedAfter, workerAfter: 0)
            if wasOpen, ending == .left { connections[connection].deliversRest = true }
        }
        guard let place = processes[index].place, stage != .ended else { return }
        if case .restart(let seconds, _, _) = restartPolicy.processEnded(at: place, ending, now: now) {
            queue.add(.starts(place: place), at: time + UInt64(seconds * 1e9) + 1)
        }
    }
}

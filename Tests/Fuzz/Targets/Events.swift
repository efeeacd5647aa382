import LockstepCluster
import LockstepProtocol
import LockstepSharding
import LockstepTimeline

func replayEvents(_ bytes: UnsafeRawBufferPointer) -> Bool {
    do throws(EventReplay.Failure) {
        let report = try EventReplay.run(bytes)
        precondition(report.steps <= report.events && report.seconds >= 0, "a report of what was not there")
        return true
    } catch {
        precondition(!"\(error)".isEmpty, "an error without words")
        return false
    }
}

/// The record of a short run with all kinds of events.
///
/// - Parameter adapts: Whether the machine tunes the number of workers that compute.
/// - Returns: Its bytes.
func recordedRun(adapts: Bool) -> [UInt8] {
    var recorder = Recorder(adapts: adapts)
    let hellos = (1...3).map { Hello(programVersion: "1", host: "host", processID: $0, processes: $0 == 3 ? 2 : 1) }
    let peers = (1...3).map { PeerID(rawValue: $0) }
    let members = (1...3).map { MemberID(rawValue: $0) }
    for (peer, hello) in zip(peers, hellos) { recorder.handle(.hello(peer, hello)) }
    recorder.handle(.dataRequested(peers[0], members[0], offset: 0, count: 100))
    for (peer, member) in zip(peers, members).dropLast() {
        recorder.handle(.ready(peer, member, Recorder.ready, sharesMemory: member.rawValue == 1))
    }
    recorder.handle(.ready(peers[2], members[2], Ready(kernel: "other", fingerprint: [])))
    if adapts { recorder.handle(.predicted(seconds: [0.1, 0.01, 0.02], withCoordinator: [0.005, 0.03])) }
    let tree = SummationTree(shards: 3, samples: 10)
    for step in 0..<UInt64(3) {
        let isAudited = step == 1
        recorder.handle(.beginStep(step, tree, isAudited: isAudited))
        recorder.handle(.messageOfOtherRun(PeerID(rawValue: 9)))
        recorder.handle(.answered(peers[0], MemberID(rawValue: 7), WorkItem(kind: .node, step: step, number: 2)))
        recorder.answerAll(areEqual: step != 1)
        recorder.handle(.chunkUpdated(version: step + 1, chunk: 1))
        recorder.handle(.tick)
    }
    recorder.handle(.beginEvaluation(version: 3, blocks: [1, 2, 1 << 24]))
    recorder.answerAll(areEqual: true)
    recorder.handle(.evaluated)
    recorder.handle(.peerLost(peers[0], reason: "its connection ended"))
    let code: GoodbyeCode = adapts ? .dataChanged : .stopping
    recorder.handle(.goodbye(peers[1], members[1], Goodbye(code: code, message: "asked to stop")))
    recorder.handle(.stop(Goodbye(code: .finished, message: "the end")))
    return recorder.bytes
}

/// A machine and the record of its events, a millisecond apart.
private struct Recorder: ~Copyable {
    static let ready = Ready(
        kernel: "avx2", fingerprint: [BlockDigest(rows: 3, digest: Array(repeating: 7, count: 32))])

    private var machine: CoordinatorMachine
    private var record: EventRecord
    private var now = Instant(nanoseconds: 1_000)
    /// Actions that have not been performed yet.
    private var actions: [CoordinatorAction] = []

    init(adapts: Bool) {
        let configuration = CoordinatorMachine.Configuration(
            minimumWorkers: 2, maximumWorkers: 4, chunks: 2, dataBytes: 1_000, programVersion: "1",
            expected: Self.ready, allowsMixedKernels: false, deadlines: Deadlines(), tunesWorkerCount: adapts)
        machine = CoordinatorMachine(configuration: configuration, now: now)
        record = EventRecord(configuration, now: now)
    }

    var bytes: [UInt8] {
        var record = record
        return record.drainBytes()
    }

    mutating func handle(_ event: CoordinatorEvent) {
        now = now.advanced(bySeconds: 0.001)
        let first = actions.count
        machine.handle(event, now: now, into: &actions)
        record.append(event, now: now, actions: actions[first...])
    }

    /// Performs the machine's actions until none is left, by handing it the events that follow from them.
    ///
    /// - Parameter areEqual: Whether two copies of an audited node are equal.
    mutating func answerAll(areEqual: Bool) {
        var index = 0
        while index < actions.count {
            switch actions[index] {
            case .assign(let peer, let member, let unit): handle(.answered(peer, member, unit))
            case .compare(let unit, _, _): handle(.compared(unit, areEqual: areEqual))
            case .recompute(let unit, _): handle(.recomputed(unit, wrong: []))
            default: break
            }
            index += 1
        }
        actions.removeAll()
    }
}

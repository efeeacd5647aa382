import LockstepProtocol
import LockstepSharding
import LockstepTimeline

/// Replays a record of events on a new machine and compares its actions with those of the run.
package enum EventReplay {
    /// What a record contains.
    package struct Report: Hashable, Sendable {
        package var events = 0
        package var actions = 0
        /// Steps that the run began.
        package var steps = 0
        /// Seconds from the record's beginning to the last event.
        package var seconds = 0.0
    }

    /// An event of a record, and the machine's actions in the replay.
    package struct Replayed: Sendable {
        /// The event's number in the record, from 0.
        package let number: Int
        /// Seconds since the record's beginning.
        package let seconds: Double
        package let event: CoordinatorEvent
        package let actions: [CoordinatorAction]

        package init(number: Int, seconds: Double, event: CoordinatorEvent, actions: [CoordinatorAction]) {
            self.number = number
            self.seconds = seconds
            self.event = event
            self.actions = actions
        }
    }

    /// Why a record cannot be replayed, or where the replay differs from the run.
    package enum Failure: Error, CustomStringConvertible {
        case malformed(event: Int, String)
        /// The machine's actions differ from the run's. A record holds only the number of the actions and their digest.
        case differs(Replayed, recordedActions: Int, recordedDigest: UInt64, digest: UInt64)

        package var description: String {
            switch self {
            case .malformed(let event, let reason):
                "this is no record of events, or a damaged one, at event \(event): \(reason)"
            case .differs(let replayed, _, _, _):
                "event \(replayed.number), \(replayed.event), gives other actions than it did in the run: "
                    + Self.list(replayed.actions)
            }
        }

        /// The first actions, and the number of the others.
        package static func list(_ actions: [CoordinatorAction]) -> String {
            (actions.prefix(actionsNamed).map { "\($0)" }
                + (actions.count > actionsNamed ? ["and \(actions.count - actionsNamed) more"] : []))
                .joined(separator: ", ")
        }

        /// The most actions that a message names. There may be thousands, one for each chunk that a new member is sent.
        private static let actionsNamed = 16
    }

    /// Replays a record. Total: any bytes give a report or a failure. A record that ends within an event, because its
    /// process was killed, is replayed up to this event.
    ///
    /// - Parameters:
    ///   - bytes: The record.
    ///   - observe: Called with each event whose actions equal the run's.
    /// - Returns: What the record contains.
    /// - Throws: ``Failure`` at the first event that is damaged, or whose actions differ.
    package static func run(
        _ bytes: UnsafeRawBufferPointer, observe: ((Replayed) -> Void)? = nil
    ) throws(Failure) -> Report {
        var reader = ByteReader(bytes)
        var report = Report()
        let configuration: CoordinatorMachine.Configuration
        let start: Instant
        let version = try readVersion(&reader)
        do throws(ProtocolError) {
            start = Instant(nanoseconds: try reader.integer(UInt64.self))
            configuration = try reader.configuration()
        } catch {
            throw .malformed(event: 0, "\(error)")
        }
        if let problem = EventLimits.problem(with: configuration, at: start) { throw .malformed(event: 0, problem) }
        var machine = CoordinatorMachine(configuration: configuration, now: start)
        var actions: [CoordinatorAction] = []
        var scratch = ByteWriter(capacity: 256)
        var limits = EventLimits()
        while reader.remaining > 0 {
            let (now, event, count, digest): (Instant, CoordinatorEvent, UInt16, UInt64)
            do throws(ProtocolError) {
                now = Instant(nanoseconds: try reader.integer(UInt64.self))
                event = try reader.event(version: version)
                count = try reader.integer(UInt16.self)
                digest = try reader.integer(UInt64.self)
            } catch {
                if case .truncated = error { return report }
                throw .malformed(event: report.events, "\(error)")
            }
            if let problem = limits.problem(with: event, at: now, for: machine) {
                throw .malformed(event: report.events, problem)
            }
            actions.removeAll(keepingCapacity: true)
            machine.handle(event, now: now, into: &actions)
            let seconds = now.seconds(since: start)
            let replayed = EventRecord.digest(of: actions[...], &scratch)
            guard UInt16(truncatingIfNeeded: actions.count) == count, replayed == digest else {
                throw .differs(
                    Replayed(number: report.events, seconds: seconds, event: event, actions: actions),
                    recordedActions: Int(count), recordedDigest: digest, digest: replayed)
            }
            observe?(Replayed(number: report.events, seconds: seconds, event: event, actions: actions))
            report.events += 1
            report.actions += actions.count
            if case .beginStep = event { report.steps += 1 }
            report.seconds = seconds
        }
        return report
    }

    private static func readVersion(_ reader: inout ByteReader) throws(Failure) -> UInt8 {
        let (magic, version): (UInt32, UInt8)
        do throws(ProtocolError) {
            magic = try reader.integer(UInt32.self)
            version = try reader.integer(UInt8.self)
        } catch {
            throw .malformed(event: 0, "it is too short")
        }
        guard magic == EventRecord.magic else { throw .malformed(event: 0, "it does not start like one") }
        guard (EventRecord.oldestVersion...EventRecord.version).contains(version) else {
            throw .malformed(
                event: 0,
                "it has version \(version), and this program reads versions \(EventRecord.oldestVersion) to "
                    + "\(EventRecord.version)")
        }
        return version
    }
}

extension ByteReader {
    fileprivate mutating func configuration() throws(ProtocolError) -> CoordinatorMachine.Configuration {
        let minimum = try integer(UInt32.self)
        let maximum = try integer(UInt32.self)
        let chunks = try integer(UInt32.self)
        let dataBytes = try integer(UInt64.self)
        let programVersion = try text()
        let expected: Ready = try body()
        let allowsMixedKernels = try integer(UInt8.self) != 0
        let deadlines = Deadlines(start: try double(), rejoin: try double())
        let tunesWorkerCount = try integer(UInt8.self) != 0
        let splitsRoot = try integer(UInt8.self) != 0
        return CoordinatorMachine.Configuration(
            minimumWorkers: Int(minimum), maximumWorkers: Int(maximum), chunks: Int(chunks), dataBytes: dataBytes,
            programVersion: programVersion, expected: expected, allowsMixedKernels: allowsMixedKernels,
            deadlines: deadlines, tunesWorkerCount: tunesWorkerCount, splitsRoot: splitsRoot)
    }

    fileprivate mutating func event(version: UInt8) throws(ProtocolError) -> CoordinatorEvent {
        let code = try integer(UInt8.self)
        guard let kind = CoordinatorEvent.Kind(rawValue: code) else { throw .unknownKind(found: code) }
        switch kind {
        case .hello: return .hello(try peer(), try body(followedBy: version < 3 ? [1, 0] : []))
        case .ready: return .ready(try peer(), try member(), try body(), sharesMemory: try integer(UInt8.self) != 0)
        case .dataRequested:
            let (peer, member) = (try peer(), try member())
            let offset = try integer(UInt64.self)
            return .dataRequested(peer, member, offset: offset, count: Int(try integer(Int64.self)))
        case .answering: return .answering(try peer(), try member(), try item())
        case .answered: return .answered(try peer(), try member(), try item())
        case .goodbye: return .goodbye(try peer(), try member(), try body())
        case .transferring:
            let peer = try peer()
            let rate = try integer(UInt64.self)
            return .transferring(peer, bytesPerSecond: rate, gradientBytes: try integer(UInt64.self))
        case .messageOfOtherRun: return .messageOfOtherRun(try peer())
        case .peerLost: return .peerLost(try peer(), reason: try text())
        case .beginStep:
            let step = try integer(UInt64.self)
            let tree = try tree()
            return .beginStep(step, tree, isAudited: try integer(UInt8.self) != 0)
        case .beginNodes:
            let step = try integer(UInt64.self)
            let tree = try tree()
            let isAudited = try integer(UInt8.self) != 0
            return .beginNodes(step, tree, try numbers().map(NodeID.init(rawValue:)), isAudited: isAudited)
        case .beginEvaluation:
            let version = try integer(UInt64.self)
            return .beginEvaluation(version: version, blocks: try numbers())
        case .addBlocks:
            let version = try integer(UInt64.self)
            return .addBlocks(version: version, try numbers())
        case .evaluated: return .evaluated
        case .predicted: return .predicted(seconds: try doubles())
        case .predictedWithCoordinator:
            let seconds = try doubles()
            return .predicted(seconds: seconds, withCoordinator: try doubles())
        case .chunkUpdated:
            let version = try integer(UInt64.self)
            return .chunkUpdated(version: version, chunk: Int(try integer(UInt32.self)))
        case .compared: return .compared(try item(), areEqual: try integer(UInt8.self) != 0)
        case .recomputed:
            let item = try item()
            let count = Int(try integer(UInt32.self))
            guard count <= 2 else { throw .tooManyEntries(found: count, limit: 2) }
            var wrong: [MemberID] = []
            for _ in 0..<count { wrong.append(try member()) }
            return .recomputed(item, wrong: wrong)
        case .abandoned: return .abandoned
        case .refuted: return .refuted(try item(), try member())
        case .computed: return .computed(try item())
        case .inputBacklog: return .inputBacklog(try integer(UInt8.self) != 0)
        case .stop: return .stop(try body())
        case .tick: return .tick
        }
    }

    private mutating func numbers() throws(ProtocolError) -> [UInt32] {
        let count = Int(try integer(UInt32.self))
        guard count <= remaining / 4 else { throw .truncated(needed: 4 * count, found: remaining) }
        var values: [UInt32] = []
        for _ in 0..<count { values.append(try integer(UInt32.self)) }
        return values
    }

    private mutating func doubles() throws(ProtocolError) -> [Double] {
        let count = Int(try integer(UInt32.self))
        guard count <= remaining / 8 else { throw .truncated(needed: 8 * count, found: remaining) }
        var values: [Double] = []
        for _ in 0..<count { values.append(try double()) }
        return values
    }

    private mutating func tree() throws(ProtocolError) -> SummationTree {
        let shards = Int(try integer(UInt32.self))
        let samples = try integer(UInt64.self)
        guard (1...SummationTree.maximumShards).contains(shards), samples >= 1, samples <= 1 << 40 else {
            throw .tooManyEntries(found: shards, limit: SummationTree.maximumShards)
        }
        return SummationTree(shards: shards, samples: Int(samples))
    }

    private mutating func peer() throws(ProtocolError) -> PeerID {
        PeerID(rawValue: try integer(UInt32.self))
    }

    private mutating func member() throws(ProtocolError) -> MemberID {
        MemberID(rawValue: try integer(UInt32.self))
    }

    private mutating func item() throws(ProtocolError) -> WorkItem {
        let kind: WorkItem.Kind = try integer(UInt8.self) == 0 ? .node : .block
        let step = try integer(UInt64.self)
        return WorkItem(kind: kind, step: step, number: try integer(UInt32.self))
    }

    /// Reads a body. `rest`: what an older version's record lacks at its end.
    private mutating func body<Body: MessageBody>(followedBy rest: [UInt8] = []) throws(ProtocolError) -> Body {
        let bytes = try bytes(count: Int(try integer(UInt32.self))) + rest
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(ProtocolError) in try Body(decoding: bytes) }
        }
        return try result.get()
    }
}

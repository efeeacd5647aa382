import LockstepProtocol
import LockstepSharding
package import LockstepTimeline

/// The complete record of a coordinator's events, as bytes: the run's configuration, then every event with its instant,
/// the number of the machine's actions and their digest.
///
/// A replay (``EventReplay``) gives the same actions, because the machine depends on nothing else.
package struct EventRecord: Sendable {
    static let magic: UInt32 = 0x564C_534C
    static let version: UInt8 = 3
    /// The oldest version that can be replayed. Its workers are one process each.
    static let oldestVersion: UInt8 = 2

    private var writer = ByteWriter(capacity: 1 << 16)
    private var scratch = ByteWriter(capacity: 256)

    /// Begins a record with the machine's configuration and first instant.
    package init(_ configuration: CoordinatorMachine.Configuration, now: Instant) {
        writer.append(Self.magic)
        writer.append(Self.version)
        writer.append(now.nanoseconds)
        writer.append(configuration)
    }

    /// Appends an event and the digest of the actions that followed from it.
    package mutating func append(_ event: CoordinatorEvent, now: Instant, actions: ArraySlice<CoordinatorAction>) {
        writer.append(now.nanoseconds)
        writer.append(event)
        writer.append(UInt16(truncatingIfNeeded: actions.count))
        writer.append(Self.digest(of: actions, &scratch))
    }

    /// The number of bytes that wait to be written.
    package var count: Int { writer.bytes.count }

    /// Returns the bytes that wait to be written, and removes them.
    package mutating func drainBytes() -> [UInt8] {
        defer { writer = ByteWriter(capacity: 1 << 16) }
        return writer.bytes
    }

    /// FNV-1a over the actions' bytes: Fowler, Noll and Vo, www.isthe.com/chongo/tech/comp/fnv.
    static func digest(of actions: ArraySlice<CoordinatorAction>, _ scratch: inout ByteWriter) -> UInt64 {
        scratch.removeAll()
        for action in actions { scratch.append(action) }
        return scratch.bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}

extension ByteWriter {
    fileprivate mutating func append(_ configuration: CoordinatorMachine.Configuration) {
        append(UInt32(clamping: configuration.minimumWorkers))
        append(UInt32(clamping: configuration.maximumWorkers))
        append(UInt32(clamping: configuration.chunks))
        append(configuration.dataBytes)
        append(configuration.programVersion)
        append(blob: configuration.expected.encoded())
        append(UInt8(configuration.allowsMixedKernels ? 1 : 0))
        append(configuration.deadlines.start)
        append(configuration.deadlines.rejoin)
        append(UInt8(configuration.tunesWorkerCount ? 1 : 0))
        append(UInt8(configuration.splitsRoot ? 1 : 0))
    }

    fileprivate mutating func append(_ event: CoordinatorEvent) {
        append(event.kind.rawValue)
        switch event {
        case .hello(let peer, let hello):
            append(peer.rawValue)
            append(blob: hello.encoded())
        case .ready(let peer, let member, let ready, let sharesMemory):
            append(peer, member)
            append(blob: ready.encoded())
            append(UInt8(sharesMemory ? 1 : 0))
        case .dataRequested(let peer, let member, let offset, let count):
            append(peer, member)
            append(offset)
            append(Int64(count))
        case .answering(let peer, let member, let item), .answered(let peer, let member, let item):
            append(peer, member)
            append(item)
        case .goodbye(let peer, let member, let goodbye):
            append(peer, member)
            append(blob: goodbye.encoded())
        case .transferring(let peer, let rate, let bytes):
            append(peer.rawValue)
            append(rate)
            append(bytes)
        case .messageOfOtherRun(let peer):
            append(peer.rawValue)
        case .peerLost(let peer, let reason):
            append(peer.rawValue)
            append(reason)
        case .beginStep(let step, let tree, let isAudited):
            append(step)
            append(UInt32(tree.shards))
            append(UInt64(tree.samples))
            append(UInt8(isAudited ? 1 : 0))
        case .beginNodes(let step, let tree, let nodes, let isAudited):
            append(step)
            append(UInt32(tree.shards))
            append(UInt64(tree.samples))
            append(UInt8(isAudited ? 1 : 0))
            append(UInt32(nodes.count))
            for node in nodes { append(node.rawValue) }
        case .beginEvaluation(let version, let blocks), .addBlocks(let version, let blocks):
            append(version)
            append(UInt32(blocks.count))
            for block in blocks { append(block) }
        case .evaluated:
            break
        case .predicted(let seconds, let withCoordinator):
            append(seconds)
            if !withCoordinator.isEmpty { append(withCoordinator) }
        case .computed(let item):
            append(item)
        case .chunkUpdated(let version, let chunk):
            append(version)
            append(UInt32(chunk))
        case .compared(let item, let areEqual):
            append(item)
            append(UInt8(areEqual ? 1 : 0))
        case .recomputed(let item, let wrong):
            append(item)
            append(UInt32(wrong.count))
            for member in wrong { append(member.rawValue) }
        case .refuted(let item, let member):
            append(item)
            append(member.rawValue)
        case .inputBacklog(let exists):
            append(UInt8(exists ? 1 : 0))
        case .stop(let goodbye):
            append(blob: goodbye.encoded())
        case .tick, .abandoned:
            break
        }
    }

    /// Appends an action for its digest. A notice is represented by its ``RecordText``.
    fileprivate mutating func append(_ action: CoordinatorAction) {
        switch action {
        case .welcome(let peer, let member):
            append(UInt8(1))
            append(peer, member)
        case .refuse(let peer, let refusal):
            append(UInt8(2))
            append(peer.rawValue)
            append(blob: refusal.encoded())
        case .sendData(let peer, let member, let offset, let count):
            append(UInt8(3))
            append(peer, member)
            append(offset)
            append(Int64(count))
        case .sendParameters(let peer, let member, let version, let chunk):
            append(UInt8(4))
            append(peer, member)
            append(version)
            append(UInt32(chunk))
        case .assign(let peer, let member, let item):
            append(UInt8(5))
            append(peer, member)
            append(item)
        case .compare(let item, let first, let second):
            append(UInt8(6))
            append(item)
            append(first.rawValue)
            append(second.rawValue)
        case .recompute(let item, let copies):
            append(UInt8(7))
            append(item)
            for member in copies { append(member.rawValue) }
        case .computeHere(let item):
            append(UInt8(11))
            append(item)
        case .computeShare(let item):
            append(UInt8(12))
            append(item)
        case .dismiss(let peer, let member, let goodbye):
            append(UInt8(8))
            append(peer, member)
            append(blob: goodbye.encoded())
        case .notify(let notice):
            append(UInt8(9))
            append(notice.recordText)
        case .fail(let failure):
            append(UInt8(10))
            append(failure.recordText)
        }
    }

    private mutating func append(_ values: [Double]) {
        append(UInt32(values.count))
        for value in values { append(value) }
    }

    private mutating func append(_ peer: PeerID, _ member: MemberID) {
        append(peer.rawValue)
        append(member.rawValue)
    }

    private mutating func append(_ item: WorkItem) {
        append(UInt8(item.kind == .node ? 0 : 1))
        append(item.step)
        append(item.number)
    }

    private mutating func append(blob: [UInt8]) {
        append(UInt32(blob.count))
        append(blob)
    }
}

extension CoordinatorEvent {
    /// An event's code in a record.
    enum Kind: UInt8 {
        case hello = 1
        case ready, dataRequested, answered, goodbye, messageOfOtherRun, peerLost, beginStep, beginEvaluation
        case chunkUpdated, compared, recomputed, stop, tick, evaluated, predicted, answering, inputBacklog
        case transferring, abandoned, refuted, computed, predictedWithCoordinator
        case beginNodes, addBlocks
    }

    var kind: Kind {
        switch self {
        case .hello: .hello
        case .ready: .ready
        case .dataRequested: .dataRequested
        case .answering: .answering
        case .answered: .answered
        case .goodbye: .goodbye
        case .transferring: .transferring
        case .messageOfOtherRun: .messageOfOtherRun
        case .peerLost: .peerLost
        case .beginStep: .beginStep
        case .beginNodes: .beginNodes
        case .addBlocks: .addBlocks
        case .beginEvaluation: .beginEvaluation
        case .evaluated: .evaluated
        case .predicted(_, let withCoordinator): withCoordinator.isEmpty ? .predicted : .predictedWithCoordinator
        case .chunkUpdated: .chunkUpdated
        case .compared: .compared
        case .recomputed: .recomputed
        case .inputBacklog: .inputBacklog
        case .abandoned: .abandoned
        case .refuted: .refuted
        case .computed: .computed
        case .stop: .stop
        case .tick: .tick
        }
    }
}

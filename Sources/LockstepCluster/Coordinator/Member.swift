import LockstepProtocol
import LockstepTimeline

/// What the coordinator knows about one registration of a worker process.
struct Member: Sendable {
    /// welcomed -> active. A member that leaves is removed.
    enum Phase: Hashable, Sendable {
        /// Has the run's configuration and prepares; must send its fingerprint by this instant.
        case welcomed(until: Instant)
        /// Has proved that it computes the same bits.
        case active
    }

    let id: MemberID
    let peer: PeerID
    let hello: Hello
    var phase: Phase
    /// The items that the member has not answered.
    var queue = WorkQueue()
    /// The chunks of the weights that the member has been sent.
    var weights: VersionedChunkSets
    /// Whether the member reads the weights from memory that it shares with the coordinator.
    var sharesMemory = false
    var stragglerRecord = StragglerRecord()
    /// The payload under way over its connection, when the coordinator has last looked.
    var transfer: Transfer?
    /// Whether it has answered anything.
    var hasAnswered = false
    /// Whether the member is on standby: fewer workers are faster now, so it gets no work and no weights.
    var isOnStandby = false

    init(id: MemberID, peer: PeerID, hello: Hello, phase: Phase, chunks: Int) {
        self.id = id
        self.peer = peer
        self.hello = hello
        self.phase = phase
        self.weights = VersionedChunkSets(capacity: chunks)
    }

    var isActive: Bool { phase == .active }
    var isIdle: Bool { isActive && queue.isEmpty }

    /// The member's process, which may have been another member before.
    var process: ProcessIdentity {
        ProcessIdentity(host: hello.host, processID: hello.processID)
    }

    /// The member's identity, for people.
    var info: MemberInfo {
        MemberInfo(id: id, host: hello.host, processID: hello.processID)
    }
}

/// A worker process, across its memberships.
struct ProcessIdentity: Hashable, Sendable {
    let host: String
    let processID: UInt32
}

/// A member's identity, for people.
package struct MemberInfo: Hashable, Sendable, CustomStringConvertible {
    package let id: MemberID
    package let host: String
    package let processID: UInt32

    package init(id: MemberID, host: String, processID: UInt32) {
        self.id = id
        self.host = host
        self.processID = processID
    }

    package var description: String { "\(id) (\(host), pid \(processID))" }
}

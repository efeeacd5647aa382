import LockstepProtocol
import LockstepTimeline

/// One registration of a worker process, as the coordinator knows it.
struct Member: Sendable {
    /// welcomed -> active; a member leaves by being removed.
    enum Phase: Hashable, Sendable {
        /// Has the run's configuration and prepares; must show its fingerprint by this instant.
        case welcomed(until: Instant)
        /// Has proved that it computes the same bits.
        case active
    }

    let id: MemberID
    let peer: PeerID
    let hello: Hello
    var phase: Phase
    /// What it was given and has not answered.
    var queue = WorkQueue()
    /// Weights that were sent to it.
    var weights: VersionedChunkSets
    /// Whether it reads the weights from memory that it shares with the coordinator.
    var sharesMemory = false
    var stragglerRecord = StragglerRecord()
    /// Whether it is on standby: fewer workers are faster at present, so it is given no work and told nothing.
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

    /// The process, which may have had other memberships before.
    var process: ProcessIdentity {
        ProcessIdentity(host: hello.host, processID: hello.processID)
    }

    /// Its identity, for people.
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

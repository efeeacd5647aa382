import LockstepProtocol

/// A worker as the coordinator knows it.
struct Member: Sendable {
    /// welcomed -> active; it leaves by being removed.
    enum Phase: Hashable, Sendable {
        /// Has the run's configuration and prepares; must show its fingerprint by the deadline.
        case welcomed(until: Moment)
        /// Has proved that it computes the same bits.
        case active
    }

    let id: MemberID
    let peer: PeerID
    let hello: Hello
    var phase: Phase
    /// What it was given and has not answered. While there is any, it is sent nothing.
    var outstanding: [WorkUnit] = []
    /// Weights that were sent to it.
    var weights: VersionedChunkSets
    /// Whether it finds the weights in memory that it shares with the coordinator.
    var sharesMemory = false

    init(id: MemberID, peer: PeerID, hello: Hello, phase: Phase, chunks: Int) {
        self.id = id
        self.peer = peer
        self.hello = hello
        self.phase = phase
        self.weights = VersionedChunkSets(capacity: chunks)
        outstanding.reserveCapacity(16)
    }

    var isActive: Bool { phase == .active }
    var isIdle: Bool { isActive && outstanding.isEmpty }

    /// Who it is, for people.
    var info: MemberInfo {
        MemberInfo(id: id, host: hello.host, processID: hello.processID)
    }
}

/// Who a worker is, for people.
package struct MemberInfo: Hashable, Sendable, CustomStringConvertible {
    package let id: MemberID
    package let host: String
    package let processID: UInt32

    package var description: String { "\(id) (\(host), pid \(processID))" }
}

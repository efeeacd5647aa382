import LockstepProtocol
import LockstepTimeline

/// A worker as the coordinator knows it.
struct Member: Sendable {
    /// welcomed -> active; it leaves by being removed.
    enum Phase: Hashable, Sendable {
        /// Has the run's configuration and prepares; must show its fingerprint by the deadline.
        case welcomed(until: Instant)
        /// Has proved that it computes the same bits.
        case active
    }

    let id: MemberID
    let peer: PeerID
    let hello: Hello
    var phase: Phase
    /// What it was given and has not answered, in the order in which it computes.
    var outstanding: [Assignment] = []
    /// The node whose gradient has begun to arrive.
    var answering: WorkItem?
    /// Since when it computes the first of them.
    var busySince = Instant(nanoseconds: 0)
    /// Weights that were sent to it.
    var weights: VersionedChunkSets
    /// Whether it finds the weights in memory that it shares with the coordinator.
    var sharesMemory = false
    var pace = MemberPace()
    /// Whether it sits the present step out.
    var isResting = false
    /// Whether it is not needed at present, and told nothing.
    var isInReserve = false

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

    /// Whether its gradient of a node of this step is arriving, and it has nothing else to compute.
    func isAnswering(step: UInt64) -> Bool {
        guard outstanding.count == 1, let item = outstanding.first?.item else { return false }
        return item == answering && item.kind == .node && item.step == step
    }

    /// Which process it is; it may be one that has had another membership.
    var process: CoordinatorMachine.ProcessIdentity {
        CoordinatorMachine.ProcessIdentity(host: hello.host, processID: hello.processID)
    }

    func holds(_ item: WorkItem) -> Bool {
        outstanding.contains { $0.item == item }
    }

    /// Who it is, for people.
    var info: MemberInfo {
        MemberInfo(id: id, host: hello.host, processID: hello.processID)
    }
}

/// An item that a member was given.
struct Assignment: Hashable, Sendable {
    let item: WorkItem
    /// How much of it there is: a node's samples, 1 for a block, 0 where only an answer is asked for.
    let sampleCount: Int
}

/// Who a worker is, for people.
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

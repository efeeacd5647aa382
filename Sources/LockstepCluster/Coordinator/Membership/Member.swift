import LockstepProtocol
import LockstepTimeline

/// One registration of a worker process that has proved that it computes the same bits, as the coordinator knows it.
/// Before its proof it is one of the ``Candidates``.
struct Member: Sendable {
    let id: MemberID
    let peer: PeerID
    let hello: Hello
    /// What it was given and has not answered.
    var queue: WorkQueue
    /// The chunks of the weights that the member has been sent.
    var weights: VersionedChunkSets
    /// Whether it reads the weights from memory that it shares with the coordinator.
    let sharesMemory: Bool
    var stragglerRecord = StragglerRecord()
    /// The payload under way over its connection at the coordinator's last measurement.
    var transfer: Transfer?
    /// Whether it has answered anything.
    var hasAnswered = false
    /// Whether the member is on standby: fewer workers are faster now, so it gets no work and no weights.
    var isOnStandby = false

    init(id: MemberID, peer: PeerID, hello: Hello, sharesMemory: Bool, chunks: Int) {
        self.id = id
        self.peer = peer
        self.hello = hello
        self.sharesMemory = sharesMemory
        self.queue = WorkQueue(processes: hello.processes)
        self.weights = VersionedChunkSets(capacity: chunks)
    }

    var isIdle: Bool { queue.isEmpty }

    /// The number of processes that compute for it.
    var capacity: Int { hello.processes }

    /// The member's process, which may have been another member before.
    var process: ProcessIdentity {
        ProcessIdentity(host: hello.host, processID: hello.processID)
    }

    /// The member's identity, for people.
    var info: MemberInfo {
        MemberInfo(id, hello)
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
    /// The number of processes that compute for it.
    package let processes: Int

    package init(id: MemberID, host: String, processID: UInt32, processes: Int = 1) {
        self.id = id
        self.host = host
        self.processID = processID
        self.processes = processes
    }

    init(_ id: MemberID, _ hello: Hello) {
        self.init(id: id, host: hello.host, processID: hello.processID, processes: hello.processes)
    }

    package var description: String {
        "\(id) (\(host), pid \(processID)\(processes == 1 ? "" : ", \(processes) processes"))"
    }
}

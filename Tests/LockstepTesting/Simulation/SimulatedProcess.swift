import LockstepCluster
import LockstepProtocol
import LockstepTimeline

/// A worker process: the real state machine, and the state of a loop around it.
struct SimulatedProcess {
    /// A work item that is being computed.
    struct Computing {
        let item: WorkItem
        let speaker: WorkerMachine.Membership?
        /// The first half of the weights, read at the computation's beginning; the other half is read at its end.
        let firstHalf: [UInt64]
    }

    /// A change of the connection, which a worker reads after all messages.
    enum ConnectionChange {
        case connected
        case disconnected
    }

    /// The place in the restart policy; nil for a process that was started by hand.
    let place: Int?
    let isFaulty: Bool
    var machine: WorkerMachine
    var isAlive = true
    var connection: Int?
    var inbox: [(message: Downward, weights: UInt64)] = []
    var connectionChanges: [ConnectionChange] = []
    /// Messages sent without a connection, which the next connection sends.
    var unsent: [Upward] = []
    /// Its copies of both versions of the weights, [version parity, chunk].
    var weights: [[UInt64]]
    var computing: Computing?
    /// The machine's actions.
    var actions: [WorkerAction] = []
    /// When the computation under way ends, and when a stopped process continues.
    var busyUntil: UInt64 = 0
    var stoppedUntil: UInt64 = 0
    var slowness: UInt64 = 1
    var hangs = false
    var isAskedToStop = false
    var nextWake = UInt64.max
    var fetched = false
    /// The last messages that it sent in this membership, and in the one before.
    private var said: [Upward] = []
    private(set) var earlier: [Upward] = []

    init(place: Int?, isFaulty: Bool, chunks: Int, now: Instant) {
        self.place = place
        self.isFaulty = isFaulty
        machine = WorkerMachine(deadlines: Deadlines(), now: now)
        weights = [Array(repeating: 0, count: chunks), Array(repeating: 0, count: chunks)]
    }

    /// Keeps a message that it sends, for a replay.
    mutating func remember(_ message: Upward) {
        guard let speaker = message.speaker else { return }
        if let last = said.last?.speaker, last != speaker {
            earlier = said
            said = []
        }
        if said.count == 4 { said.removeFirst() }
        said.append(message)
    }
}

/// A connection between a process and the coordinator. Messages arrive in order or, from some instant on, not at all.
struct SimulatedConnection {
    let process: Int
    var isOpen = true
    /// Whether messages under way still arrive when it breaks.
    var deliversRest = false
    /// When the last message arrives.
    var lastUp: UInt64 = 0
    var lastDown: UInt64 = 0
    /// No message arrives before this time.
    var blockedUp: UInt64 = 0
    var blockedDown: UInt64 = 0
}

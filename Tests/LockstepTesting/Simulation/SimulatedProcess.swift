import LockstepCluster
import LockstepProtocol
import LockstepTimeline

/// A worker process: the real state machine, and what a loop around it holds.
struct SimulatedProcess {
    /// An item that is being computed.
    struct Computing {
        let item: WorkItem
        let speaker: WorkerMachine.Membership?
        /// The first half of the weights, which are read as it begins; the others are read as it ends.
        let firstHalf: [UInt64]
    }

    /// News of the connection, which a worker reads once nothing else has come.
    enum ConnectionNews {
        case connected
        case disconnected
    }

    /// Where among those that are replaced; nil for one that was started by hand.
    let place: Int?
    let isFaulty: Bool
    var machine: WorkerMachine
    var isAlive = true
    var connection: Int?
    var inbox: [(message: Downward, weights: UInt64)] = []
    var news: [ConnectionNews] = []
    /// Said without a connection; it goes out over the next one.
    var unsent: [Upward] = []
    /// Its copies of both versions of the weights, [version parity, chunk].
    var weights: [[UInt64]]
    var computing: Computing?
    /// What the machine wants done.
    var actions: [WorkerAction] = []
    /// When the computation under way ends, and when a stopped process goes on.
    var busyUntil: UInt64 = 0
    var stoppedUntil: UInt64 = 0
    var slowness: UInt64 = 1
    var hangs = false
    var isAskedToStop = false
    var nextWake = UInt64.max
    var fetched = false
    /// What it has said in this membership, and in the one before, the last things of each.
    private var said: [Upward] = []
    private(set) var earlier: [Upward] = []

    init(place: Int?, isFaulty: Bool, chunks: Int, now: Instant) {
        self.place = place
        self.isFaulty = isFaulty
        machine = WorkerMachine(deadlines: Deadlines(), now: now)
        weights = [Array(repeating: 0, count: chunks), Array(repeating: 0, count: chunks)]
    }

    /// Keeps what it says, should that be replayed.
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

/// A connection between one process and the coordinator. What is sent arrives in order or, from some instant on, not at
/// all.
struct SimulatedConnection {
    let process: Int
    var isOpen = true
    /// Whether what is under way when it breaks still arrives.
    var deliversRest = false
    /// When what was sent last arrives.
    var lastUp: UInt64 = 0
    var lastDown: UInt64 = 0
    /// Until when nothing gets through.
    var blockedUp: UInt64 = 0
    var blockedDown: UInt64 = 0
}

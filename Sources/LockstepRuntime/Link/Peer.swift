import LockstepCluster
import LockstepProtocol
import LockstepTimeline

/// A peer as the coordinator's link knows it: its connection, what waits to be sent to it, and what it may still ask for.
final class Peer {
    /// Refusals in a row, and welcomes in all, on one connection. A worker that has lost its membership is told so, says
    /// hello and is welcomed: a few times in its life.
    static let maximumRefusals = 16
    static let maximumWelcomes = 64

    let id: PeerID
    let connection: Connection?
    private(set) lazy var outbox = Outbox()
    /// Whether it has been welcomed on this connection. Only for such peers the end of a run waits.
    private(set) var isWelcomed = false
    var requests: RequestAllowance
    /// Messages of it that wait until those of members are handled.
    var deferred = 0
    /// Whether its connection has ended, and it is lost once its last messages have been handled.
    var hasEnded = false
    /// Whether its connection has been cut here: nothing more is heard from it or said to it.
    private(set) var isCut = false
    private var refusals = 0
    private var welcomes = 0

    init(_ id: PeerID, _ connection: Connection?, now: Instant) {
        self.id = id
        self.connection = connection
        requests = RequestAllowance(now: now)
    }

    /// Whether its messages go before those of others: it has proved that it takes part.
    var isMember: Bool {
        get { connection?.isMember ?? false }
        set { connection?.isMember = newValue }
    }

    /// Counts an answer that is about to be sent.
    ///
    /// - Returns: Whether a peer that is answered so often may still be a worker.
    func allows(_ kind: MessageKind) -> Bool {
        switch kind {
        case .refuse:
            refusals += 1
        case .welcome:
            refusals = 0
            welcomes += 1
            isWelcomed = true
        default:
            break
        }
        return refusals <= Self.maximumRefusals && welcomes <= Self.maximumWelcomes
    }

    /// Ends its connection, for it does what no worker does.
    func cut() {
        isCut = true
        connection?.abort()
    }
}

/// How much work a peer that is no member may cause: a bucket of tokens that fills up again slowly.
///
/// A worker asks a few times and then proves itself, `lockstep status` asks once, `lockstep doctor` some dozens of times.
struct RequestAllowance: Hashable, Sendable {
    /// Messages at once, and messages a second in the long run.
    static let burst = 256.0
    static let perSecond = 64.0
    /// What a message takes: a piece of the data set is asked for until all of it is there, at the link's speed, and the
    /// run's status is a long answer.
    static func cost(of kind: MessageKind?) -> Double {
        switch kind {
        case .dataRequest: 1.0 / 64
        case .statusRequest: 4
        default: 1
        }
    }

    private var tokens = burst
    private var last: Instant

    init(now: Instant) {
        last = now
    }

    /// Counts a message.
    ///
    /// - Parameters:
    ///   - kind: The message's kind; nil if it cannot be read.
    ///   - now: The current time.
    /// - Returns: False if the peer has sent too many messages.
    mutating func consume(_ kind: MessageKind?, now: Instant) -> Bool {
        if now > last {
            tokens = min(Self.burst, tokens + Double(now.nanoseconds - last.nanoseconds) * 1e-9 * Self.perSecond)
            last = now
        }
        tokens -= Self.cost(of: kind)
        return tokens >= 0
    }
}

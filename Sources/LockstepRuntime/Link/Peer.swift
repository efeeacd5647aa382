import LockstepCluster
import LockstepProtocol
import LockstepTimeline

/// What the coordinator's link knows about a peer: its connection, its queued messages, and how much it may still
/// request.
final class Peer {
    /// The most consecutive refusals on one connection. A worker that has lost its membership is refused, says hello
    /// and is welcomed again: this happens a few times in its life.
    static let maximumRefusals = 16
    /// The most welcomes on one connection.
    static let maximumWelcomes = 64

    let id: PeerID
    let connection: Connection?
    private(set) lazy var outbox = Outbox()
    /// Whether the peer has been welcomed on this connection. The end of a run waits only for such peers.
    private(set) var isWelcomed = false
    var requests: RequestAllowance
    /// Its messages that wait for their turn: ``DeferredMessages``.
    var deferred: [DeferredMessages.Message] = []
    /// Whether its connection has ended. The peer is lost once all messages from it have been handled.
    var hasEnded = false
    /// Whether this process has cut the connection: its messages are discarded, and nothing is sent to it.
    private(set) var isCut = false
    /// Bytes that had moved over its connection at the last measurement.
    private var moved: (bytes: UInt64, at: Instant)?
    /// Whether a message of the peer could not be read.
    var hasSentGarbage = false
    private var refusals = 0
    private var welcomes = 0

    init(_ id: PeerID, _ connection: Connection?, now: Instant) {
        self.id = id
        self.connection = connection
        requests = RequestAllowance(now: now)
    }

    /// Whether the peer is an active member: its messages are handled before those of other peers.
    var isMember: Bool {
        get { connection?.isMember ?? false }
        set { connection?.isMember = newValue }
    }

    /// Counts an answer that is about to be sent.
    ///
    /// - Returns: False if the peer has been answered more often than any worker needs.
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

    /// Bytes a second that have moved over its connection since the last measurement; nil if that is less than
    /// ``measurementInterval`` ago, or if only heartbeats have moved.
    func transferRate(now: Instant) -> UInt64? {
        if let last = moved, now < last.at.advanced(bySeconds: Self.measurementInterval) { return nil }
        guard let traffic = connection?.traffic else { return nil }
        let (bytes, last) = (traffic.received &+ traffic.acknowledged, moved)
        moved = (bytes, now)
        guard let last, bytes > last.bytes else { return nil }
        let rate = Double(bytes - last.bytes) / now.seconds(since: last.at)
        return rate > ConnectionLimits.heartbeats ? UInt64(min(rate, 1e18)) : nil
    }

    /// Seconds between two measurements.
    private static let measurementInterval = 0.9

    /// Cuts the connection of a peer that does what no worker does.
    func cut() {
        isCut = true
        connection?.abort()
    }
}

/// How many messages a peer that is no member may send: a token bucket.
///
/// A worker sends a few requests until it is a member, `lockstep status` sends one, `lockstep doctor` some dozens.
struct RequestAllowance: Hashable, Sendable {
    /// The bucket's size: the most messages at once.
    static let burst = 256.0
    /// Tokens that are added per second.
    static let perSecond = 64.0
    /// The tokens that a message costs. A worker requests the data set in many small parts, at the link's speed. The
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
            tokens = min(Self.burst, tokens + now.seconds(since: last) * Self.perSecond)
            last = now
        }
        tokens -= Self.cost(of: kind)
        return tokens >= 0
    }
}

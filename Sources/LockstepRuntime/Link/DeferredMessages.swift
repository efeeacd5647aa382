import LockstepProtocol
import LockstepTimeline

/// Messages of peers that are no members, until the messages of members have been handled: a bounded queue for each peer, and
/// the peers take turns.
///
/// The idea: anyone who can reach the endpoint can send requests, and a step must not get slower for it. So the link
/// reads such messages from the socket at once, keeps them here, and handles them only when no member's message is
/// left. Three rules keep this fair. The queues are bounded, each and in total, and what does not fit is dropped. Peers take
/// turns, and where all the room is taken, a peer without a message takes the place of the last one of the peer that has most:
/// a worker that joins waits for one message of each other peer, not for a flood. And in a run whose members never pause, one
/// deferred message is handled every few milliseconds, so that new workers can join and `lockstep status` gets its answer.
struct DeferredMessages {
    /// The most messages of one peer.
    static let maximumOfPeer = 32
    /// The most messages of all peers.
    static let maximumCount = 1_024
    /// The most bytes of all payloads.
    static let maximumBytes = 4 << 20

    /// A message with its payload, or what is wrong with the message.
    struct Message {
        let content: Result<(header: Header, payload: [UInt8]?), ProtocolError>

        init(_ content: Result<(header: Header, payload: [UInt8]?), ProtocolError>) {
            self.content = content
        }

        fileprivate var bytes: Int { (try? content.get())?.payload?.count ?? 0 }
    }

    /// The peers with messages, in the order of their turns.
    private var peers: [Peer] = []
    /// The index of the peer whose turn it is.
    private var turn = 0
    private(set) var count = 0
    private var bytes = 0
    /// When a message was handled last.
    private var lastHandled = Instant(nanoseconds: 0)
    /// Seconds after which a deferred message is handled before the messages of members.
    private static let longestDelay = 0.005

    /// Whether the next message is handled before the messages of members.
    func isTooOld(_ now: @autoclosure () -> Instant) -> Bool {
        !isEmpty && now() > lastHandled.advanced(bySeconds: Self.longestDelay)
    }

    var isEmpty: Bool { count == 0 }

    /// Adds a message.
    ///
    /// - Returns: False if there is no room for it, and it is dropped.
    mutating func append(_ message: Message, of peer: Peer) -> Bool {
        guard peer.deferred.count < Self.maximumOfPeer else { return false }
        while count >= Self.maximumCount {
            guard peer.deferred.isEmpty, removeLast(ofLargestBy: \.count) else { return false }
        }
        while bytes + message.bytes > Self.maximumBytes {
            guard peer.deferred.isEmpty, removeLast(ofLargestBy: \.bytes) else { return false }
        }
        if peer.deferred.isEmpty { peers.append(peer) }
        peer.deferred.append(message)
        count += 1
        bytes += message.bytes
        return true
    }

    /// Drops the last message of the peer that has most; false if that peer has only one.
    private mutating func removeLast(ofLargestBy size: KeyPath<[Message], Int>) -> Bool {
        guard let largest = peers[turn...].max(by: { $0.deferred[keyPath: size] < $1.deferred[keyPath: size] }),
            largest.deferred.count > 1, let last = largest.deferred.popLast()
        else { return false }
        count -= 1
        bytes -= last.bytes
        return true
    }

    /// Removes and returns the next message, and whose it is.
    mutating func popFirst(now: @autoclosure () -> Instant) -> (peer: Peer, message: Message)? {
        while turn < peers.count {
            let peer = peers[turn]
            turn += 1
            if turn >= Self.maximumCount {
                peers.removeFirst(turn)
                turn = 0
            }
            // The messages of a peer that has been removed are gone.
            guard !peer.deferred.isEmpty else { continue }
            let message = peer.deferred.removeFirst()
            if !peer.deferred.isEmpty { peers.append(peer) }
            count -= 1
            bytes -= message.bytes
            lastHandled = now()
            return (peer, message)
        }
        peers.removeAll(keepingCapacity: true)
        turn = 0
        return nil
    }

    /// Drops all messages of a peer.
    mutating func removeAll(of peer: Peer) {
        count -= peer.deferred.count
        bytes -= peer.deferred.bytes
        peer.deferred.removeAll()
    }
}

extension [DeferredMessages.Message] {
    /// Bytes of all payloads.
    fileprivate var bytes: Int { reduce(0) { $0 + $1.bytes } }
}

import LockstepProtocol
import LockstepTimeline

/// Messages of peers that are no members, until the messages of members have been handled: a bounded queue, first in,
/// first out.
///
/// The idea: anyone who can reach the endpoint can send requests, and a step must not get slower for it. So the link
/// reads such messages from the socket at once, keeps them here, and handles them only when no member's message is
/// left. Two rules keep this fair. The queue is bounded for each peer and in total, and what does not fit is dropped; a
/// worker that joins repeats its hello. And in a run whose members never pause, one deferred message is handled every
/// few milliseconds, so that new workers can join and `lockstep status` gets its answer.
struct DeferredMessages {
    /// The most messages of one peer.
    static let maximumOfPeer = 32
    /// The most messages of all peers.
    static let maximumCount = 1_024
    /// The most bytes of all payloads.
    static let maximumBytes = 4 << 20

    /// A message with its payload, or what is wrong with the message.
    struct Message {
        let peer: Peer
        let content: Result<(header: Header, payload: [UInt8]?), ProtocolError>

        fileprivate var bytes: Int { (try? content.get())?.payload?.count ?? 0 }
    }

    private var messages: [Message] = []
    /// The index of the oldest message.
    private var first = 0
    private var bytes = 0
    /// When a message was handled last.
    private var lastHandled = Instant(nanoseconds: 0)
    /// Seconds after which a deferred message is handled before the messages of members.
    private static let longestDelay = 0.005

    /// Whether the oldest message is handled before the messages of members.
    func isTooOld(_ now: @autoclosure () -> Instant) -> Bool {
        !isEmpty && now() > lastHandled.advanced(bySeconds: Self.longestDelay)
    }

    var isEmpty: Bool { first == messages.count }
    var count: Int { messages.count - first }

    /// Adds a message.
    ///
    /// - Returns: False if the queue is full and the message is dropped.
    mutating func append(_ message: Message) -> Bool {
        guard count < Self.maximumCount, message.peer.deferred < Self.maximumOfPeer,
            bytes + message.bytes <= Self.maximumBytes
        else { return false }
        messages.append(message)
        message.peer.deferred += 1
        bytes += message.bytes
        return true
    }

    /// Removes and returns the oldest message.
    mutating func popFirst(now: @autoclosure () -> Instant) -> Message? {
        guard !isEmpty else { return nil }
        lastHandled = now()
        let message = messages[first]
        first += 1
        message.peer.deferred -= 1
        bytes -= message.bytes
        if first == messages.count || first >= Self.maximumCount {
            messages.removeFirst(first)
            first = 0
        }
        return message
    }
}

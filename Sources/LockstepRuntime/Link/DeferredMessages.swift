import LockstepProtocol
import LockstepTimeline

/// Messages of peers that are no members, which are handled once those of members have been: first in, first out, and
/// no more than a bounded number.
struct DeferredMessages {
    /// Messages that wait, of one peer and of all, and the bytes of their payloads.
    static let maximumOfPeer = 32
    static let maximumCount = 1_024
    static let maximumBytes = 4 << 20

    /// A message, with its payload if it has one, or what is wrong with it.
    struct Message {
        let peer: Peer
        let content: Result<(header: Header, payload: [UInt8]?), ProtocolError>

        fileprivate var bytes: Int { (try? content.get())?.payload?.count ?? 0 }
    }

    private var messages: [Message] = []
    /// Where the oldest is.
    private var first = 0
    private var bytes = 0
    /// When one was handled last.
    private var lastHandled = Instant(nanoseconds: 0)
    /// Seconds after which a message goes before those of members.
    private static let longestDelay = 0.005

    /// Whether the oldest goes before the messages of members.
    func isTooOld(_ now: @autoclosure () -> Instant) -> Bool {
        !isEmpty && now() > lastHandled.advanced(bySeconds: Self.longestDelay)
    }

    var isEmpty: Bool { first == messages.count }
    var count: Int { messages.count - first }

    /// Adds a message.
    ///
    /// - Returns: False if there is no room, and the message is dropped: a worker says its hello again after a while.
    mutating func append(_ message: Message) -> Bool {
        guard count < Self.maximumCount, message.peer.deferred < Self.maximumOfPeer,
            bytes + message.bytes <= Self.maximumBytes
        else { return false }
        messages.append(message)
        message.peer.deferred += 1
        bytes += message.bytes
        return true
    }

    /// Takes the oldest out.
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

import LockstepCluster
import LockstepSystem
import LockstepTimeline

/// The peers that have sent a message, by routing ID and by connection, and the lost peers that are not reported yet.
struct PeerTable {
    private var byID: [PeerID: Peer] = [:]
    private var byConnection: [ObjectIdentifier: Peer] = [:]
    /// Peers whose connections have ended, while messages from them may still be unread. `until`: when the table stops waiting
    /// for these messages, so that a flood of other messages does not keep the peers here.
    private var ended: [(peer: Peer, until: Instant)] = []
    /// Lost peers that are not reported yet, in the order in which their connections ended: the report of a failed run names the
    /// first one as the cause.
    private var lost: [PeerID] = []
    /// Peers whose process is known to have ended while libzmq has not reported the end of their connection. Their last
    /// messages come before that report. `until`: when the table stops waiting for it.
    private var ending: [(peer: Peer, until: Instant)] = []

    /// Seconds to wait for that report.
    private static let endGrace = Deadlines().end

    subscript(id: PeerID) -> Peer? { byID[id] }

    var all: some Collection<Peer> { byID.values }
    /// Whether there are peers whose connections have ended and that are not reported as lost.
    var hasEnded: Bool { !ended.isEmpty || !lost.isEmpty }
    /// When ``endOverduePeers()`` is due at the latest.
    var nextDeadline: Instant? { ending.first?.until }

    /// The peer of a connection; nil if it has sent no message.
    func peer(of connection: Connection) -> Peer? { byConnection[ObjectIdentifier(connection)] }

    /// Adds a peer that sends its first message.
    mutating func add(_ id: PeerID, _ connection: Connection?) -> Peer {
        let peer = Peer(id, connection, now: .now)
        byID[id] = peer
        if let connection { byConnection[ObjectIdentifier(connection)] = peer }
        return peer
    }

    /// Records that a peer's process has ended: its connection will end soon.
    mutating func expectEnd(of id: PeerID) {
        guard let peer = byID[id] else { return }
        ending.append((peer, Instant.now.advanced(bySeconds: Self.endGrace)))
    }

    /// Ends the peers whose connections should have ended by now.
    mutating func endOverduePeers() {
        while let overdue = ending.first, overdue.until <= .now {
            ending.removeFirst()
            end(overdue.peer)
        }
    }

    /// Records that a peer's connection has ended: nothing more can be sent to it. The peer is lost once the messages
    /// that it sent before have been handled. The last one may be a goodbye.
    mutating func end(_ peer: Peer) {
        guard !peer.hasEnded else { return }
        peer.hasEnded = true
        peer.outbox.removeAll()
        ended.append((peer, Instant.now.advanced(bySeconds: Self.endGrace)))
    }

    /// Removes the peers whose connections have ended and whose messages have all been handled; ``popLost()`` reports them.
    ///
    /// - Parameter isDrained: Whether the socket holds no unread message. Otherwise only peers are removed that have waited
    ///   too long.
    mutating func removeEnded(isDrained: Bool) {
        guard let first = ended.first, isDrained || first.until <= .now else { return }
        let isOver = { (peer: Peer, until: Instant) in peer.deferred.isEmpty && (isDrained || until <= .now) }
        for (peer, until) in ended where isOver(peer, until) { remove(peer) }
        ended.removeAll { byID[$0.peer.id] !== $0.peer }
    }

    private mutating func remove(_ peer: Peer) {
        if let connection = peer.connection { byConnection[ObjectIdentifier(connection)] = nil }
        ending.removeAll { $0.peer === peer }
        peer.outbox.removeAll()
        if byID.removeValue(forKey: peer.id) != nil { lost.append(peer.id) }
    }

    /// The peer that was lost first of those that have not been reported.
    mutating func popLost() -> PeerID? { lost.isEmpty ? nil : lost.removeFirst() }
}

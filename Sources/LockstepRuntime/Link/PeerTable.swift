import LockstepCluster
import LockstepSystem
import LockstepTimeline

/// The peers that have spoken, by their routing IDs and by their connections, and the ends of which are not reported yet.
struct PeerTable {
    private var byID: [PeerID: Peer] = [:]
    private var byConnection: [ObjectIdentifier: Peer] = [:]
    /// Peers whose end is known but not reported.
    private var lost: [PeerID] = []
    /// Peers whose process has ended, by another sign, and when to stop waiting for the end of their connections: their
    /// last messages come before that.
    private var ending: [(peer: Peer, until: Instant)] = []

    /// Seconds to wait for the end of such a connection.
    private static let endGrace = 0.05

    subscript(id: PeerID) -> Peer? { byID[id] }

    var all: some Collection<Peer> { byID.values }
    var hasLost: Bool { !lost.isEmpty }
    /// When ``endOverduePeers()`` has something to do at the latest.
    var nextDeadline: Instant? { ending.first?.until }

    /// The peer behind a connection, if it has spoken.
    func peer(of connection: Connection) -> Peer? { byConnection[ObjectIdentifier(connection)] }

    /// Adds a peer that speaks for the first time.
    mutating func add(_ id: PeerID, _ connection: Connection?) -> Peer {
        let peer = Peer(id, connection, now: .now)
        byID[id] = peer
        if let connection { byConnection[ObjectIdentifier(connection)] = peer }
        return peer
    }

    /// Notes that a peer's process has ended: its connection will, too.
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

    /// A peer's connection has ended. Its deferred messages are handled first.
    mutating func end(_ peer: Peer) {
        if peer.deferred == 0 { remove(peer) } else { peer.hasEnded = true }
    }

    /// Removes a peer; its end is reported by ``popLost()``.
    mutating func remove(_ peer: Peer) {
        if let connection = peer.connection { byConnection[ObjectIdentifier(connection)] = nil }
        ending.removeAll { $0.peer === peer }
        peer.outbox.removeAll()
        if byID.removeValue(forKey: peer.id) != nil { lost.append(peer.id) }
    }

    /// A peer whose end has not been reported.
    mutating func popLost() -> PeerID? { lost.popLast() }
}

import LockstepCluster
import LockstepProtocol
import ZeroMQ

/// What goes out, gathered for each peer.
extension CoordinatorLink {
    /// Sends a message, together with others to the same peer that follow soon. The payload is sent by reference: it
    /// must stay as it is until the peer has answered or gone.
    func post(to peer: PeerID, _ header: Header, borrowing payload: UnsafeRawBufferPointer? = nil) throws(ZeroMQError) {
        guard let peer = peers[peer], !peer.isCut else { return }
        if peer.outbox.isEmpty { waiting.append(peer) }
        peer.outbox.append(header, payload)
        if peer.outbox.isFull { try flush(peer) }
    }

    /// Sends a message whose payload is copied, and what waits for the same peer before it.
    func send(to peer: PeerID, _ header: Header, copying payload: [UInt8]) throws(ZeroMQError) {
        guard let peer = peers[peer], !peer.isCut else { return }
        if header.kind == .refuse { peer.isMember = false }
        // A peer that needs more answers than a worker ever does is not answered any more.
        guard peer.allows(header.kind) else { return peer.cut() }
        try payload.span.bytes.withUnsafeBytes { bytes throws(ZeroMQError) in
            try flush(peer, endingWith: (header, bytes))
        }
    }

    /// Sends everything that waits.
    func flush() throws(ZeroMQError) {
        for peer in waiting where !peer.outbox.isEmpty { try flush(peer) }
        waiting.removeAll(keepingCapacity: true)
    }

    /// A peer that cannot be reached is lost.
    private func flush(
        _ peer: Peer, endingWith last: (header: Header, payload: UnsafeRawBufferPointer)? = nil
    ) throws(ZeroMQError) {
        let outbox = peer.outbox
        peer.id.writeRoutingID(to: routingID)
        switch router {
        case nil:
            outbox.removeAll()
        case .some(let socket):
            do throws(ZeroMQError) {
                // A full queue is that of a peer that does not read: none of ours ever has so much under way.
                guard try socket.send(copying: UnsafeRawBufferPointer(routingID), more: true, wait: false) == .sent
                else {
                    outbox.removeAll()
                    peer.cut()
                    return peers.remove(peer)
                }
                try outbox.flush(into: socket, endingWith: last, wait: true)
            } catch {
                guard error.isHostUnreachable else { throw error }
                outbox.removeAll()
                peers.remove(peer)
            }
        }
    }
}

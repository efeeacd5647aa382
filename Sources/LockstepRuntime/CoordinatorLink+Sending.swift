import LockstepCluster
import LockstepProtocol
import ZeroMQ

/// What goes out, gathered for each peer.
extension CoordinatorLink {
    /// Sends a message, together with others to the same peer that follow soon. The payload is sent by reference: it
    /// must stay as it is until the peer has answered or gone.
    func post(to peer: PeerID, _ header: Header, borrowing payload: UnsafeRawBufferPointer? = nil) throws(ZeroMQError) {
        let outbox = outbox(of: peer)
        if outbox.isEmpty { waiting.append(peer) }
        outbox.append(header, payload)
        if outbox.isFull { try flush(peer, outbox) }
    }

    /// Sends a message whose payload is copied, and what waits for the same peer before it.
    func send(to peer: PeerID, _ header: Header, copying payload: [UInt8]) throws(ZeroMQError) {
        switch patience.allows(header.kind, to: peer) {
        case .send: break
        case .drop: return
        case .giveUp: return lost.append(peer)
        }
        if header.kind == .welcome { guests.insert(peer) }
        let outbox = outbox(of: peer)
        try payload.span.bytes.withUnsafeBytes { bytes throws(ZeroMQError) in
            try flush(peer, outbox, endingWith: (header, bytes))
        }
    }

    /// Sends everything that waits.
    func flush() throws(ZeroMQError) {
        for peer in waiting {
            if let outbox = outboxes[peer], !outbox.isEmpty { try flush(peer, outbox) }
        }
        waiting.removeAll(keepingCapacity: true)
    }

    private func outbox(of peer: PeerID) -> Outbox {
        if let outbox = outboxes[peer] { return outbox }
        let outbox = Outbox()
        outboxes[peer] = outbox
        return outbox
    }

    /// A peer that cannot be reached is lost.
    private func flush(
        _ peer: PeerID, _ outbox: Outbox,
        endingWith last: (header: Header, payload: UnsafeRawBufferPointer)? = nil
    ) throws(ZeroMQError) {
        peer.writeRoutingID(to: routingID)
        switch router {
        case nil:
            outbox.removeAll()
        case .some(let socket):
            do throws(ZeroMQError) {
                // A full queue is that of a peer that does not read: none of ours ever has so much under way.
                guard try socket.send(copying: UnsafeRawBufferPointer(routingID), more: true, wait: false) == .sent
                else {
                    outbox.removeAll()
                    connections[peer]?.cut()
                    return lose(peer)
                }
                try outbox.flush(into: socket, endingWith: last, wait: true)
            } catch {
                guard error.isHostUnreachable else { throw error }
                outbox.removeAll()
                lose(peer)
            }
        }
    }
}

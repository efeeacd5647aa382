import LockstepCluster
import LockstepProtocol
import LockstepTimeline
import ZeroMQ

/// Sends messages, which are collected for each peer.
extension CoordinatorLink {
    /// Queues a message; it is sent together with the next ones to the same peer. The payload is sent by reference: it
    /// must not change until the peer has answered or is lost.
    func post(
        to peer: PeerID, _ header: Header, borrowing payload: UnsafeRawBufferPointer? = nil, isPart: Bool = false
    ) throws(ZeroMQError) {
        guard let peer = peers[peer], !peer.isCut, !peer.hasEnded else { return }
        if peer.outbox.isEmpty { waiting.append(peer) }
        peer.outbox.append(header, payload, isPart: isPart)
        if peer.outbox.isFull { try flush(peer) }
    }

    /// The most bytes of a frame that fits the connection to a peer.
    func frameLimit(of peer: PeerID) -> Int { peers[peer]?.connection?.frameLimit ?? MessageKind.payloadLimit }

    /// Sends what is queued for the peer, and then a message whose payload is copied.
    func send(to peer: PeerID, _ header: Header, copying payload: [UInt8]) throws(ZeroMQError) {
        guard let peer = peers[peer], !peer.isCut, !peer.hasEnded else { return }
        if header.kind == .refuse { peer.isMember = false }
        // No worker needs so many refusals or welcomes.
        guard peer.allows(header.kind) else { return peer.cut() }
        try payload.span.bytes.withUnsafeBytes { bytes throws(ZeroMQError) in
            try flush(peer, endingWith: (header, bytes))
        }
    }

    /// Calls `body` with each member whose payload moves, and its bytes a second; with each at most once a second.
    func forEachTransfer(now: Instant, _ body: (PeerID, _ bytesPerSecond: UInt64) throws -> Void) rethrows {
        for peer in peers.all where peer.isMember {
            if let rate = peer.transferRate(now: now) { try body(peer.id, rate) }
        }
    }

    /// Sends everything that is queued.
    func flush() throws(ZeroMQError) {
        for peer in waiting where !peer.outbox.isEmpty { try flush(peer) }
        waiting.removeAll(keepingCapacity: true)
    }

    /// Sends what is queued for a peer. A peer that cannot be reached is lost.
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
                // The queue is full, so the peer does not read: no worker of a run ever has so many messages under way.
                guard try socket.send(copying: UnsafeRawBufferPointer(routingID), more: true, wait: false) == .sent
                else {
                    peer.cut()
                    return peers.end(peer)
                }
                try outbox.flush(into: socket, endingWith: last, wait: true)
            } catch {
                guard error.isHostUnreachable else { throw error }
                peers.end(peer)
            }
        }
    }
}

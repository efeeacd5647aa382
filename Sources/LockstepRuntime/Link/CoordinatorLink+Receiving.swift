import Glibc
import LockstepCluster
import LockstepProtocol
import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// What comes in: messages, and the ends of connections.
extension CoordinatorLink {
    /// Messages that are read in one go without one of a member among them.
    private static let maximumReads = 256

    /// Whether ``receive()`` has something to tell without anything having come in.
    var hasPendingEvents: Bool { peers.hasLost || !reports.isEmpty || !deferred.isEmpty || hasUnread }

    /// When ``receive()`` may have something to tell without anything having come in.
    var nextDeadline: Instant? { Instant.earlier(peers.nextDeadline, acceptance.retryDeadline) }

    /// Says whether a peer takes part, so that its messages go before those of others.
    func setMember(_ isMember: Bool, _ id: PeerID) {
        peers[id]?.isMember = isMember
    }

    /// Notes that a peer's process has gone. libzmq sees that, too, and what it had still received comes first.
    func expectEnd(of id: PeerID) {
        peers.expectEnd(of: id)
    }

    /// The next event, or nil when there is none yet. Does not wait.
    func receive() throws(ZeroMQError) -> Event? {
        if frames.sender == nil, deferred.isTooOld(.now), let event = try nextDeferred() { return event }
        // What a peer said last is read before its end is told: it may be a goodbye.
        if let event = try receiveMessage() { return event }
        if let event = try nextDeferred() { return event }
        if hasConnectionEvents {
            hasConnectionEvents = false
            try readConnectionEvents()
        }
        peers.endOverduePeers()
        acceptance.resumeIfDue()
        if let peer = peers.popLost() { return .lost(peer) }
        return reports.popFirst().map { .rejected($0) }
    }

    // MARK: - Messages

    /// The next part of a member's message. Those of other peers are put aside.
    private func receiveMessage() throws(ZeroMQError) -> Event? {
        if let sender = frames.sender { return try receivePart(from: sender) }
        // A flood of what others say must not keep the loop from its deadlines.
        for _ in 0..<Self.maximumReads {
            guard try router?.receive(into: &frames.identity, wait: false) == .received else {
                hasUnread = false
                return nil
            }
            guard frames.identity.more, try router?.receive(into: &frames.header, wait: false) == .received else {
                continue
            }
            frames.count = 1
            guard let peer = try peer(), !peer.isCut else {
                try discardRest(of: nil)
                continue
            }
            count(frames.header.count, of: peer)
            if peer.isMember { return try readPart(from: peer) }
            try deferMessage(from: peer)
        }
        hasUnread = true
        return nil
    }

    /// The peer whose message is being read; nil for one that has chosen a name of its own, whose connection is cut.
    private func peer() throws(ZeroMQError) -> Peer? {
        let id = frames.identity.withUnsafeBytes { PeerID(routingID: $0) }
        if let id, let peer = peers[id] { return peer }
        // The end of the connection that had the descriptor before was told earlier than the beginning of this one.
        let descriptor = frames.header.sourceDescriptor
        let connection = try descriptor.flatMap { (number) throws(ZeroMQError) in
            try connections.connection(ofFirstMessageOver: number)
        }
        guard let id else {
            connection?.abort()
            return nil
        }
        return peers.add(id, connection)
    }

    /// Counts a frame as delivered, and as part of its message.
    private func count(_ bytes: Int, of peer: Peer?) {
        peer?.connection?.addDelivered(ConnectionLimits.bytesOnWire(bytes, isEncrypted: reports.hasKeys))
    }

    private func receivePart(from peer: Peer) throws(ZeroMQError) -> Event? {
        guard try router?.receive(into: &frames.header, wait: false) == .received else { return nil }
        frames.count += 1
        count(frames.header.count, of: peer)
        return try readPart(from: peer)
    }

    /// A header, which has been received, and, if its kind has one, its payload; a message may have several such parts.
    private func readPart(from peer: Peer) throws(ZeroMQError) -> Event? {
        frames.sender = frames.header.more ? peer : nil
        let header: Header
        do throws(ProtocolError) {
            header = try frames.header.withUnsafeBytes { bytes throws(ProtocolError) in try Header(decoding: bytes) }
            guard frames.count < Outbox.maximumFrames else {
                throw .tooManyEntries(found: frames.count, limit: Outbox.maximumFrames)
            }
        } catch {
            try discardRest(of: peer)
            frames.sender = nil
            return .garbage(peer.id, error)
        }
        guard header.kind.hasPayload, frames.header.more else { return .message(peer.id, header, hasPayload: false) }
        guard try router?.receive(into: &frames.payload, wait: false) == .received else { return nil }
        frames.count += 1
        count(frames.payload.count, of: peer)
        frames.sender = frames.payload.more ? peer : nil
        return .message(peer.id, header, hasPayload: true)
    }

    /// Drops the frames that follow the header that is being read.
    private func discardRest(of peer: Peer?) throws(ZeroMQError) {
        while frames.header.more, try router?.receive(into: &frames.header, wait: false) == .received {
            count(frames.header.count, of: peer)
        }
    }

    // MARK: - Messages of peers that are no members

    /// Puts a message aside, part by part. A peer that sends more than it may is cut.
    private func deferMessage(from peer: Peer) throws(ZeroMQError) {
        while true {
            let header = frames.header.withUnsafeBytes { bytes in
                Result { () throws(ProtocolError) in try Header(decoding: bytes) }
            }
            let kind = (try? header.get())?.kind
            guard frames.count < Outbox.maximumFrames, peer.requests.consume(kind, now: .now) else {
                peer.cut()
                return try discardRest(of: peer)
            }
            guard case .success(let header) = header else {
                _ = deferred.append(.init(peer: peer, content: header.map { ($0, nil) }))
                return try discardRest(of: peer)
            }
            var bytes: [UInt8]?
            if header.kind.hasPayload, frames.header.more {
                guard try router?.receive(into: &frames.header, wait: false) == .received else { return }
                frames.count += 1
                count(frames.header.count, of: peer)
                bytes = frames.header.array
            }
            _ = deferred.append(.init(peer: peer, content: .success((header, bytes))))
            guard frames.header.more, try router?.receive(into: &frames.header, wait: false) == .received else {
                return
            }
            frames.count += 1
            count(frames.header.count, of: peer)
        }
    }

    /// The oldest message that has been put aside.
    private func nextDeferred() throws(ZeroMQError) -> Event? {
        while let message = deferred.popFirst(now: .now) {
            let peer = message.peer
            defer { if peer.hasEnded, peer.deferred == 0 { peers.remove(peer) } }
            if peer.isCut { continue }
            switch message.content {
            case .failure(let error):
                return .garbage(peer.id, error)
            case .success((let header, let bytes?)):
                frames.payload = try Message(copying: bytes)
                return .message(peer.id, header, hasPayload: true)
            case .success((let header, nil)):
                return .message(peer.id, header, hasPayload: false)
            }
        }
        return nil
    }

    // MARK: - Connections

    func readConnectionEvents() throws(ZeroMQError) {
        for event in try connections.drainEvents() {
            switch event {
            case .ended(let connection, let isUnexplained):
                if let peer = peers.peer(of: connection) {
                    peers.end(peer)
                } else if isUnexplained {
                    reports.count(SocketEvent.HandshakeFailure.reasonOfSilentEnd(hasKeys: reports.hasKeys))
                }
            case .handshakeFailed(let failure):
                reports.count(failure.reason(hasKeys: reports.hasKeys))
            case .cut:
                reports.count("it sent more than it may leave unread or unfinished")
            case .listening(let event): acceptance.add(event)
            case .acceptFailed(let code): if let line = acceptance.pause(after: code) { reports.add(line) }
            }
        }
    }
}

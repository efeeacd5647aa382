import Glibc
import LockstepCluster
import LockstepProtocol
import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// Receives messages, and the ends of connections.
extension CoordinatorLink {
    /// The most messages that one call reads if none is from a member.
    private static let maximumReads = 256

    /// Whether ``receive()`` has an event to return even if nothing arrives.
    var hasPendingEvents: Bool { peers.hasEnded || !reports.isEmpty || !deferred.isEmpty || hasUnread }

    /// When ``receive()`` may have an event to return even if nothing arrives.
    var nextDeadline: Instant? { Instant.earlier(peers.nextDeadline, acceptance.retryDeadline) }

    /// Sets whether a peer is an active member: members' messages are handled before those of other peers.
    func setMember(_ isMember: Bool, _ id: PeerID) {
        peers[id]?.isMember = isMember
    }

    /// Whether a peer is an active member.
    func isMember(_ id: PeerID) -> Bool { peers[id]?.isMember ?? false }

    /// Records that a message of a peer cannot be read.
    ///
    /// - Returns: Whether it is the first one.
    func recordGarbage(of id: PeerID) -> Bool {
        guard let peer = peers[id], !peer.hasSentGarbage else { return false }
        peer.hasSentGarbage = true
        return true
    }

    /// Cuts a peer's connection. What is still read of it is ignored.
    func cut(_ id: PeerID) { peers[id]?.cut() }

    /// Records that a peer's process has ended. libzmq will report the end of its connection, after the messages that
    /// have arrived before.
    func expectEnd(of id: PeerID) {
        peers.expectEnd(of: id)
    }

    /// The next event, or nil when there is none yet. Does not wait.
    func receive() throws(ZeroMQError) -> Event? {
        if frames.sender == nil, deferred.isTooOld(.now), let event = try nextDeferred() { return event }
        // The ends of connections are read before the messages and reported after them: what a peer sent before its
        // end has arrived by then, and may be a goodbye.
        if hasConnectionEvents, frames.sender == nil {
            hasConnectionEvents = false
            try readConnectionEvents()
        }
        peers.endOverduePeers()
        if let event = try receiveMessage() { return event }
        if let event = try nextDeferred() { return event }
        peers.removeEnded(isDrained: !hasUnread)
        acceptance.resumeIfDue()
        if let peer = peers.popLost() { return .lost(peer) }
        return reports.popFirst().map { .rejected($0) }
    }

    // MARK: - Messages

    /// The next part of a member's message. Messages of other peers are deferred.
    private func receiveMessage() throws(ZeroMQError) -> Event? {
        if let sender = frames.sender { return try receivePart(from: sender) }
        // Bounded, so that a flood of other peers' messages does not keep the loop from its deadlines.
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

    /// The peer whose message is being read. Nil for a peer that chose its own routing ID, whose connection is cut, and for
    /// the first message of a peer whose connection has ended: there is no way to answer it.
    private func peer() throws(ZeroMQError) -> Peer? {
        let id = frames.identity.withUnsafeBytes { PeerID(routingID: $0) }
        if let id, let peer = peers[id] { return peer }
        // If an earlier connection had this descriptor, libzmq has reported its end before the start of this one.
        guard let descriptor = frames.header.sourceDescriptor,
            let connection = try connections.connection(ofFirstMessageOver: descriptor)
        else { return nil }
        guard let id else {
            connection.abort()
            return nil
        }
        return peers.add(id, connection)
    }

    /// Counts a frame that the loop has read from a peer's connection.
    private func count(_ bytes: Int, of peer: Peer?) {
        peer?.connection?.addDelivered(ConnectionLimits.bytesOnWire(bytes, isEncrypted: reports.hasKeys))
    }

    private func receivePart(from peer: Peer) throws(ZeroMQError) -> Event? {
        guard try router?.receive(into: &frames.header, wait: false) == .received else { return nil }
        frames.count += 1
        count(frames.header.count, of: peer)
        return try readPart(from: peer)
    }

    /// Decodes the header that has been received, and receives the payload if its kind has one. A message may have
    /// several such parts.
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
        let hasPayload = header.kind.hasPayload && frames.header.more
        if hasPayload {
            guard try router?.receive(into: &frames.payload, wait: false) == .received else { return nil }
            frames.count += 1
            count(frames.payload.count, of: peer)
            frames.sender = frames.payload.more ? peer : nil
        }
        do throws(ProtocolError) {
            if hasPayload { try frames.header.verify(frames.payload) } else { try frames.header.verify() }
        } catch {
            try discardRest(of: peer, more: frames.sender != nil)
            frames.sender = nil
            return .garbage(peer.id, error)
        }
        return .message(peer.id, header, hasPayload: hasPayload)
    }

    /// Discards the frames of the message that follow the present header.
    private func discardRest(of peer: Peer?) throws(ZeroMQError) {
        try discardRest(of: peer, more: frames.header.more)
    }

    /// Discards the frames of the message that are still to be read, if there are `more`.
    private func discardRest(of peer: Peer?, more: Bool) throws(ZeroMQError) {
        guard more, try router?.receive(into: &frames.header, wait: false) == .received else { return }
        count(frames.header.count, of: peer)
        while frames.header.more, try router?.receive(into: &frames.header, wait: false) == .received {
            count(frames.header.count, of: peer)
        }
    }

    // MARK: - Messages of peers that are no members

    /// Defers a message, part by part. A peer that sends more than it may is cut.
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
                _ = deferred.append(.init(header.map { ($0, nil) }), of: peer)
                return try discardRest(of: peer)
            }
            let hasPayload = header.kind.hasPayload && frames.header.more
            var more = frames.header.more
            if hasPayload {
                guard try router?.receive(into: &frames.payload, wait: false) == .received else { return }
                frames.count += 1
                count(frames.payload.count, of: peer)
                more = frames.payload.more
            }
            do throws(ProtocolError) {
                if hasPayload { try frames.header.verify(frames.payload) } else { try frames.header.verify() }
                let content = (header, hasPayload ? frames.payload.array : nil)
                _ = deferred.append(.init(.success(content)), of: peer)
            } catch {
                _ = deferred.append(.init(.failure(error)), of: peer)
                return try discardRest(of: peer, more: more)
            }
            guard more, try router?.receive(into: &frames.header, wait: false) == .received else {
                return
            }
            frames.count += 1
            count(frames.header.count, of: peer)
        }
    }

    /// The deferred message whose turn it is.
    private func nextDeferred() throws(ZeroMQError) -> Event? {
        while let (peer, message) = deferred.popFirst(now: .now) {
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

    /// Handles what has happened to connections.
    func readConnectionEvents() throws(ZeroMQError) {
        for event in try connections.drainEvents() {
            switch event {
            case .ended(let connection, let isUnexplained):
                if let peer = peers.peer(of: connection) {
                    // The last message of a worker may be a goodbye that says why it leaves. Others want answers.
                    if !peer.isWelcomed { deferred.removeAll(of: peer) }
                    peers.end(peer)
                } else if isUnexplained {
                    reports.count(HandshakeExplanation.reasonOfSilentEnd(hasKeys: reports.hasKeys))
                }
            case .handshakeFailed(let failure):
                reports.count(HandshakeExplanation.reason(failure, hasKeys: reports.hasKeys))
            case .cut:
                reports.count("its peer sent more than it may leave unread or unfinished")
            case .listening(let event): acceptance.add(event)
            case .acceptFailed(let code): if let line = acceptance.pause(after: code) { reports.add(line) }
            }
        }
    }
}

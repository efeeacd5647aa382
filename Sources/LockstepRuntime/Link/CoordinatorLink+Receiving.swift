import Glibc
import LockstepCluster
import LockstepProtocol
import LockstepTimeline
import ZeroMQ
import LockstepSystem

/// What comes in: messages, and the ends of connections.
extension CoordinatorLink {
    /// Messages that are read in one go without one of a member among them.
    private static let mostReads = 256
    /// Seconds after which a deferred message goes before those of members.
    private static let longestDeferral = 0.005

    /// Whether ``receive()`` has something to tell without anything having come in.
    var hasNews: Bool { !lost.isEmpty || !rejections.isEmpty || !deferred.isEmpty || hasUnread }

    /// When ``receive()`` may have something to tell without anything having come in.
    var nextDeadline: Instant? { Instant.earlier(ending.first?.until, acceptRetryDeadline) }

    /// Says whether a peer takes part, so that its messages go before those of others.
    func setMember(_ isMember: Bool, _ id: PeerID) {
        peers[id]?.isMember = isMember
    }

    /// Notes that a peer's process has gone. libzmq sees that, too, and what it had still received comes first.
    func expectEnd(of id: PeerID) {
        guard let peer = peers[id] else { return }
        ending.append((peer, Instant.now.advanced(bySeconds: 0.05)))
    }

    /// The next event, or nil when there is none yet. Does not wait.
    func receive() throws(ZeroMQError) -> Event? {
        if sender == nil, isDeferralTooLong, let event = try nextDeferred() { return event }
        // What a peer said last is read before its end is told: it may be a goodbye.
        if let event = try receiveMessage() { return event }
        if let event = try nextDeferred() { return event }
        if connectionsHaveNews {
            connectionsHaveNews = false
            try readNews()
        }
        if let overdue = ending.first, overdue.until <= .now { end(overdue.peer) }
        if let deadline = acceptRetryDeadline, deadline <= .now { resumeAccepting() }
        if let peer = lost.popLast() { return .lost(peer) }
        return rejections.isEmpty ? nil : .turnedAway(rejections.removeFirst())
    }

    // MARK: - Messages

    /// The next part of a member's message. Those of other peers are put aside.
    private func receiveMessage() throws(ZeroMQError) -> Event? {
        if let sender { return try receivePart(from: sender) }
        // A flood of what others say must not keep the loop from its deadlines.
        for _ in 0..<Self.mostReads {
            guard try router?.receive(into: &identity, wait: false) == .received else {
                hasUnread = false
                return nil
            }
            guard identity.more, try router?.receive(into: &headerFrame, wait: false) == .received else { continue }
            framesRead = 1
            guard let peer = try peer(), !peer.isCut else {
                try discardRest(of: nil)
                continue
            }
            count(headerFrame.count, of: peer)
            if peer.isMember { return try readPart(from: peer) }
            try deferMessage(from: peer)
        }
        hasUnread = true
        return nil
    }

    /// The peer whose message is being read; nil for one that has chosen a name of its own, whose connection is cut.
    private func peer() throws(ZeroMQError) -> Peer? {
        let id = identity.withUnsafeBytes { PeerID(routingID: $0) }
        if let id, let peer = peers[id] { return peer }
        // The end of the connection that had the descriptor before was told earlier than the beginning of this one.
        let descriptor = headerFrame.sourceDescriptor
        let connection = try descriptor.flatMap { (number) throws(ZeroMQError) in
            try connections.connectionThatSpoke(number)
        }
        guard let id else {
            connection?.abort()
            return nil
        }
        let peer = Peer(id, connection, now: .now)
        peers[id] = peer
        if let connection { peerOfConnection[ObjectIdentifier(connection)] = peer }
        return peer
    }

    /// Counts a frame as delivered, and as part of its message.
    private func count(_ bytes: Int, of peer: Peer?) {
        peer?.connection?.addDelivered(ConnectionLimits.bytesOnTheWay(bytes, isEncrypted: hasKeys))
    }

    private func receivePart(from peer: Peer) throws(ZeroMQError) -> Event? {
        guard try router?.receive(into: &headerFrame, wait: false) == .received else { return nil }
        framesRead += 1
        count(headerFrame.count, of: peer)
        return try readPart(from: peer)
    }

    /// A header, which has been received, and, if its kind has one, its payload; a message may have several such parts.
    private func readPart(from peer: Peer) throws(ZeroMQError) -> Event? {
        sender = headerFrame.more ? peer : nil
        let header: Header
        do throws(ProtocolError) {
            header = try headerFrame.withUnsafeBytes { bytes throws(ProtocolError) in try Header(decoding: bytes) }
            guard framesRead < Outbox.mostFrames else {
                throw .tooManyEntries(found: framesRead, limit: Outbox.mostFrames)
            }
        } catch {
            try discardRest(of: peer)
            sender = nil
            return .garbage(peer.id, error)
        }
        guard header.kind.hasPayload, headerFrame.more else { return .message(peer.id, header, hasPayload: false) }
        guard try router?.receive(into: &payload, wait: false) == .received else { return nil }
        framesRead += 1
        count(payload.count, of: peer)
        sender = payload.more ? peer : nil
        return .message(peer.id, header, hasPayload: true)
    }

    /// Drops the frames that follow the header that is being read.
    private func discardRest(of peer: Peer?) throws(ZeroMQError) {
        while headerFrame.more, try router?.receive(into: &headerFrame, wait: false) == .received {
            count(headerFrame.count, of: peer)
        }
    }

    // MARK: - Messages of peers that are no members

    /// Puts a message aside, part by part. A peer that sends more than it may is cut.
    private func deferMessage(from peer: Peer) throws(ZeroMQError) {
        while true {
            let header = headerFrame.withUnsafeBytes { bytes in
                Result { () throws(ProtocolError) in try Header(decoding: bytes) }
            }
            let kind = (try? header.get())?.kind
            guard framesRead < Outbox.mostFrames, peer.requests.take(kind, now: .now) else {
                peer.cut()
                return try discardRest(of: peer)
            }
            guard case .success(let header) = header else {
                _ = deferred.append(.init(peer: peer, content: header.map { ($0, nil) }))
                return try discardRest(of: peer)
            }
            var bytes: [UInt8]?
            if header.kind.hasPayload, headerFrame.more {
                guard try router?.receive(into: &headerFrame, wait: false) == .received else { return }
                framesRead += 1
                count(headerFrame.count, of: peer)
                bytes = headerFrame.array
            }
            _ = deferred.append(.init(peer: peer, content: .success((header, bytes))))
            guard headerFrame.more, try router?.receive(into: &headerFrame, wait: false) == .received else { return }
            framesRead += 1
            count(headerFrame.count, of: peer)
        }
    }

    private var isDeferralTooLong: Bool {
        !deferred.isEmpty && Instant.now > lastDeferred.advanced(bySeconds: Self.longestDeferral)
    }

    /// The oldest message that has been put aside.
    private func nextDeferred() throws(ZeroMQError) -> Event? {
        while let message = deferred.popFirst() {
            lastDeferred = .now
            let peer = message.peer
            defer { if peer.hasEnded, peer.deferred == 0 { lose(peer) } }
            if peer.isCut { continue }
            switch message.content {
            case .failure(let error):
                return .garbage(peer.id, error)
            case .success((let header, let bytes?)):
                payload = try Message(copying: bytes)
                return .message(peer.id, header, hasPayload: true)
            case .success((let header, nil)):
                return .message(peer.id, header, hasPayload: false)
            }
        }
        return nil
    }

    // MARK: - Connections

    func readNews() throws(ZeroMQError) {
        for news in try connections.takeNews() {
            switch news {
            case .ended(let connection, let isUnexplained):
                if let peer = peerOfConnection[ObjectIdentifier(connection)] {
                    end(peer)
                } else if isUnexplained {
                    note(SocketEvent.HandshakeFailure.reasonOfSilentEnd(hasKeys: hasKeys))
                }
            case .handshakeFailed(let failure):
                note(failure.reason(hasKeys: hasKeys))
            case .cut:
                note("it sent more than it may leave unread or unfinished")
            case .listening(let event): acceptThrottle.add(listener: event)
            case .acceptFailed(let code): pauseAccepting(code)
            }
        }
    }

    /// Accepting has failed: libzmq would try again and again.
    private func pauseAccepting(_ code: Int32) {
        guard code == EMFILE || code == ENFILE, !acceptThrottle.isPaused else { return }
        acceptThrottle.pause()
        acceptRetryDeadline = Instant.now.advanced(bySeconds: acceptRetryInterval)
        guard !hasReportedPause else { return }
        hasReportedPause = true
        rejections.append(
            "connections cannot be accepted: \(String(cString: strerror(code))); raise the limit (ulimit -Hn)")
    }

    /// Accepts connections again if the throttle allows it; tries again later otherwise.
    private func resumeAccepting() {
        acceptThrottle.resumeIfPossible()
        acceptRetryDeadline = acceptThrottle.isPaused ? Instant.now.advanced(bySeconds: acceptRetryInterval) : nil
    }

    private func note(_ reason: String) {
        let addresses = zap?.drainRefusedAddresses() ?? []
        if let line = rejectionLog.add(reason, from: addresses) { rejections.append(line) }
    }

    /// A peer's connection has ended. What it said before that, and waits, is handled first.
    func end(_ peer: Peer) {
        if peer.deferred == 0 { lose(peer) } else { peer.hasEnded = true }
    }

    func lose(_ peer: Peer) {
        if let connection = peer.connection { peerOfConnection[ObjectIdentifier(connection)] = nil }
        ending.removeAll { $0.peer === peer }
        peer.outbox.removeAll()
        if peers.removeValue(forKey: peer.id) != nil { lost.append(peer.id) }
    }
}

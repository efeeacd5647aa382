import Glibc
import LockstepCluster
import LockstepProtocol
import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// What comes in: messages, and the ends of connections.
extension CoordinatorLink {
    /// Whether ``receive()`` has something to tell without anything having come in.
    var hasNews: Bool { !lost.isEmpty || !rejections.isEmpty }

    /// When ``receive()`` may have something to tell without anything having come in.
    var nextDeadline: Instant? { Instant.earlier(ending.first?.until, gateDeadline) }

    /// Notes that a peer's process has gone. libzmq sees that, too, and what it had still received comes first.
    func expectEnd(of peer: PeerID) {
        ending.append((peer, Instant.now.advanced(bySeconds: 0.05)))
    }

    /// The next event, or nil when there is none yet. Does not wait.
    func receive() throws(ZeroMQError) -> Event? {
        // What a peer said last is read before its end is told: it may be a goodbye. A flood of what nobody hears must not
        // keep the loop from its deadlines.
        for _ in 0..<256 {
            if let peer = sender { return try receivePart(from: peer) }
            guard try router?.receive(into: &identity, wait: false) == .received else { break }
            guard let peer = identity.withUnsafeBytes({ PeerID(routingID: $0) }), identity.more, patience.hears(peer)
            else {
                try router?.discardRest(of: &identity)
                continue
            }
            sender = peer
        }
        if monitorHasNews {
            monitorHasNews = false
            try readMonitor()
        }
        if let overdue = ending.first, overdue.until <= .now { lose(overdue.peer) }
        if let deadline = gateDeadline, deadline <= .now { openGate() }
        if let peer = lost.popLast() { return .lost(peer) }
        return rejections.isEmpty ? nil : .turnedAway(rejections.removeFirst())
    }

    /// A header and, if its kind has one, its payload; a message may have several such parts.
    private func receivePart(from peer: PeerID) throws(ZeroMQError) -> Event? {
        guard try router?.receive(into: &headerFrame, wait: false) == .received else { return nil }
        sender = headerFrame.more ? peer : nil
        try remember(peer)
        let header: Header
        do throws(ProtocolError) {
            header = try headerFrame.withUnsafeBytes { bytes throws(ProtocolError) in try Header(decoding: bytes) }
        } catch {
            try router?.discardRest(of: &headerFrame)
            sender = nil
            return .garbage(peer, error)
        }
        guard header.kind.hasPayload, headerFrame.more else { return .message(peer, header, hasPayload: false) }
        guard try router?.receive(into: &payload, wait: false) == .received else { return nil }
        sender = payload.more ? peer : nil
        return .message(peer, header, hasPayload: true)
    }

    /// Notes a new peer's connection. The end of whatever had the descriptor before was reported earlier than the new
    /// connection, so it is read first; else it would be taken for the new one's.
    private func remember(_ peer: PeerID) throws(ZeroMQError) {
        guard connections[peer] == nil, let descriptor = headerFrame.sourceDescriptor else { return }
        try readMonitor()
        connections[peer] = PeerConnection(descriptor)
        peers[descriptor] = peer
    }

    func readMonitor() throws(ZeroMQError) {
        while let event = try monitor?.next() {
            switch event.kind {
            case .disconnected:
                if let descriptor = event.descriptor, let peer = peers[descriptor] { lose(peer) }
            case .handshakeFailed(let failure):
                note(failure.reason(hasKeys: hasKeys))
            case .listening: gate.guardListener(event)
            case .acceptFailed(let code): shutGate(code)
            default:
                continue
            }
        }
    }

    /// Accepting has failed: libzmq would try again and again.
    private func shutGate(_ code: Int32) {
        guard code == EMFILE || code == ENFILE, !gate.isShut else { return }
        gate.shut()
        gateDeadline = Instant.now.advanced(bySeconds: gateInterval)
        guard !hasToldOfGate else { return }
        hasToldOfGate = true
        rejections.append(
            "connections cannot be accepted: \(String(cString: strerror(code))); raise the limit (ulimit -Hn)")
    }

    /// Opens the gate, or looks again later.
    private func openGate() {
        gate.openIfPossible()
        gateDeadline = gate.isShut ? Instant.now.advanced(bySeconds: gateInterval) : nil
    }

    private func note(_ reason: String) {
        let addresses = zap?.takeRefusedAddresses() ?? []
        if let line = turnedAway.add(reason, from: addresses) { rejections.append(line) }
    }

    func lose(_ peer: PeerID) {
        if let connection = connections.removeValue(forKey: peer), peers[connection.descriptor] == peer {
            peers[connection.descriptor] = nil
        }
        guests.remove(peer)
        ending.removeAll { $0.peer == peer }
        outboxes[peer] = nil
        patience.forget(peer)
        lost.append(peer)
    }
}

import LockstepCluster
import LockstepProtocol
import LockstepSharding
import ZeroMQ

/// Turns messages of the coordinator into events for the worker's machine.
extension WorkerLoop {
    func receive(_ event: WorkerLink.Event) throws {
        switch event {
        case .connected:
            try handle(.connected)
        case .handshakeFailed(let failure, let count): try handshakeFailed(failure, count)
        case .unreachable(let reason): try handle(.rejected(reason: "\(link.endpoint): \(reason)"))
        case .disconnected:
            coordinatorEnd.cancel(&poller)
            try handle(.disconnected)
        case .garbage(let error): try handle(.protocolBroken(reason: "\(error)"))
        case .message(let header, let hasPayload):
            do {
                try receive(header, hasPayload: hasPayload)
            } catch let error as ProtocolError {
                try handle(.protocolBroken(reason: "\(error)"))
            }
        }
    }

    /// Ends the worker if further attempts would fail for the same reason. Reports other failures once three
    /// consecutive ones have happened.
    private func handshakeFailed(_ failure: SocketEvent.HandshakeFailure, _ count: Int) throws {
        if let reason = HandshakeExplanation.finalReason(failure, endpoint: link.endpoint, hasKeys: link.hasKeys) {
            return try handle(.rejected(reason: reason))
        }
        if count == 3 { options.notify(.handshakesFailing(endpoint: "\(link.endpoint)", hasKeys: link.hasKeys)) }
    }

    /// Handles the records in the coordinator's mailbox.
    func receiveMail() throws {
        while let regions = task?.regions, regions.nextMailTime != nil, !stop.isMade() {
            do {
                guard let header = try regions.receiveMail() else { return }
                guard header.kind == .assign || header.kind == .evaluate else {
                    throw ProtocolError.unexpectedKind(header.kind)
                }
                try receive(header, hasPayload: false)
            } catch let error as ProtocolError {
                try handle(.protocolBroken(reason: "\(error)"))
            }
        }
    }

    private func receive(_ header: Header, hasPayload: Bool) throws {
        let size = hasPayload ? link.payload.count : 0
        guard header.kind.acceptsPayload(count: size) else {
            throw ProtocolError.payloadSize(kind: header.kind, found: size)
        }
        switch header.kind {
        case .welcome:
            hasBeenMember = true
            try handle(.welcomed(run: header.run, MemberID(rawValue: header.member)))
        case .refuse:
            try handle(.refused(decode()))
        case .dataChunk, .assign, .parameters, .evaluate, .goodbye, .timelineRequest, .dataCheck:
            // Ignore messages for an earlier membership of this process.
            let addressee = WorkerMachine.Membership(run: header.run, member: MemberID(rawValue: header.member))
            guard machine.membership == addressee else { return }
            try receiveMemberMessage(header)
        case .pong:
            try handle(.ponged)
        case .hello, .ready, .dataRequest, .gradient, .nodeResult, .blockResult, .ping, .statusRequest, .status,
            .timeline, .logLines, .dataIntact:
            throw ProtocolError.unexpectedKind(header.kind)
        }
    }

    /// Handles a message that is addressed to this worker's current membership.
    private func receiveMemberMessage(_ header: Header) throws {
        switch header.kind {
        case .dataChunk:
            data.incoming?.append(link.payload, at: header.step)
            try handle(.dataReceived(offset: header.step, count: link.payload.count))
        case .parameters:
            guard let task else { return }
            let part = try FloatPayload.part(
                of: header, payloadBytes: link.payload.count,
                elementSize: task.elementSize(ofVersion: header.step), in: task.chunks)
            try handle(.parameters(version: header.step, part))
        case .assign:
            task?.slot = Int(header.segment)
            task?.isAudited = header.offset == 1
            try handle(.assigned(WorkItem(kind: .node, step: header.step, number: header.unit)))
        case .evaluate:
            try handle(.assigned(WorkItem(kind: .block, step: header.step, number: header.unit)))
        case .timelineRequest:
            try reportTimeline()
        case .dataCheck:
            try handle(.dataCheckRequested(number: header.step))
        case .goodbye:
            try handle(.dismissed(decode()))
        default:
            throw ProtocolError.unexpectedKind(header.kind)
        }
    }

    private func decode<Body: MessageBody>() throws(ProtocolError) -> Body {
        try link.payload.withUnsafeBytes { bytes throws(ProtocolError) in try Body(decoding: bytes) }
    }
}

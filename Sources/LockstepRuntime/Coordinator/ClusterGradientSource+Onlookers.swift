import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import ZeroMQ
import LockstepCluster
import LockstepTraining
import LockstepNumerics
import LockstepSystem

/// Those who look on: they ask without being members, and the run does not notice.
extension ClusterGradientSource {
    /// Answers a ping or a request for the run's status.
    func tell(_ header: Header, _ hasPayload: Bool, to peer: PeerID) throws {
        guard header.kind.acceptsPayload(count: hasPayload ? link.payload.count : 0) else {
            throw ProtocolError.payloadSize(kind: header.kind, found: hasPayload ? link.payload.count : 0)
        }
        if header.kind == .ping {
            let bytes = UnsafeRawBufferPointer(silence.buffer)
            let count = max(1, min(Int(header.offset), bytes.count))
            return try link.post(
                to: peer, Header(kind: .pong, step: header.step),
                borrowing: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        }
        if statusExpiry <= .now {
            status = try makeStatus()
            statusExpiry = Instant.now.advanced(bySeconds: Self.statusLifetime)
        }
        try link.send(to: peer, Header(kind: .status, step: header.step), copying: status)
    }

    private func makeStatus() throws -> [UInt8] {
        let status = machine.status
        paces.keep(status.workers)
        let description = try welcome.withUnsafeBytes { try Welcome(decoding: $0) }
        let report = StatusReport(
            description, cluster: status, paces: paces.nanoseconds, programVersion: programVersion)
        return try report.encoded()
    }
}

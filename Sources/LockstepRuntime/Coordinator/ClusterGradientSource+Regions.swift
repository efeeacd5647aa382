import LockstepCluster
import LockstepProtocol
import LockstepSharding
import LockstepSystem
import LockstepTraining

/// Payload by reference: memory that is shared with the workers of this host.
extension ClusterGradientSource {
    /// Where this member puts its gradients; nil if they travel in messages.
    func region(of member: MemberID) -> MemberRegion? {
        memberRegions.first { $0.member == member }
    }

    /// Takes in what a worker's socket has to say.
    func take(_ event: RegionServer.Event) throws {
        switch event {
        case .claimed(let member, let channel):
            guard let regions else { return }
            guard machine.isPreparing(member), region(of: member) == nil else {
                return regions.refuse(member, on: channel)
            }
            do {
                memberRegions.append(try regions.grant(member, on: channel))
            } catch {
                regions.refuse(member, on: channel)
                announce(.payloadInline(member, reason: "\(error)"))
            }
        case .ended(let member):
            if let peer = machine.peer(of: member) { link.expectEnd(of: peer) }
        }
    }

    /// A member is ready: it says whether it has got hold of the memory that it was offered.
    func takeReady(
        _ header: Header, from peer: PeerID, _ member: MemberID, _ push: (PartialResult) throws -> Void
    ) throws {
        let sharesMemory = header.unit == 1
        // Said again, or by somebody else, it changes nothing about any memory.
        guard machine.isPreparing(member), machine.peer(of: member) == peer else {
            return try handle(.ready(peer, member, try decode(), sharesMemory: sharesMemory), push)
        }
        guard !sharesMemory || region(of: member) != nil else { throw ProtocolError.inconsistent(.ready) }
        guard sharesMemory || transport != .shared else {
            let refusal = Refusal(
                code: .transport,
                message: "the run wants payload in shared memory, and this worker shares none with the coordinator; "
                    + "start the run with --transport auto")
            try link.send(to: peer, self.header(.refuse, member), copying: refusal.encoded())
            announce(.refused(host: nil, refusal))
            return try handle(.peerLost(peer, reason: "it shares no memory with the coordinator"), push)
        }
        if !sharesMemory { memberRegions.removeAll { $0.member == member } }
        try handle(.ready(peer, member, try decode(), sharesMemory: sharesMemory), push)
        link.setMember(machine.peer(of: member) == peer && !machine.isPreparing(member), peer)
    }

    /// Hands on a gradient that its worker has announced, from where it stands.
    func readGradient(of unit: WorkItem, from member: MemberID, _ push: (PartialResult) throws -> Void) throws {
        guard let region = region(of: member) else { return }
        guard let (floats, isStable) = region.gradient(of: unit) else { throw ProtocolError.inconsistent(.nodeResult) }
        for (index, chunk) in chunks.chunks.enumerated() {
            let part = PartialResult.gradient(
                unit.node, chunk: index, floats + chunk.range.lowerBound, isStable: isStable)
            try receive(part, from: member, push)
        }
    }

    /// Regions stay until the step in which their member was lost is over, for sums may refer to them.
    func dropRegionsOfLostMembers() {
        memberRegions.removeAll { machine.peer(of: $0.member) == nil }
    }
}

import LockstepCluster
import LockstepProtocol
import LockstepSharding
import LockstepTraining

/// Gradients in memory that the coordinator shares with the workers of its host: nothing is copied, only announced.
final class SharedMemoryTransport: PayloadTransport {
    let server: RegionServer
    private let chunks: ChunkLayout
    /// Where each member that shares memory puts its gradients.
    private var regions: [MemberRegion] = []

    init(server: RegionServer, chunks: ChunkLayout) {
        self.server = server
        self.chunks = chunks
    }

    /// Members that share memory.
    var count: Int { regions.count }

    /// Whether a member shares memory.
    func includes(_ member: MemberID) -> Bool { region(of: member) != nil }

    /// Gives a member the memory that it asks for.
    ///
    /// - Throws: `SystemError` where there is no memory, or the worker has gone; the worker is told to do without.
    func grant(_ member: MemberID, on channel: RegionServer.Channel) throws {
        do {
            regions.append(try server.grant(member, on: channel))
        } catch {
            server.refuse(member, on: channel)
            throw error
        }
    }

    /// Takes the memory back from a member that does without it.
    func revoke(_ member: MemberID) {
        regions.removeAll { $0.member == member }
    }

    /// Keeps the regions of these members. The region of a lost member stays until the step in which it was lost is over,
    /// for sums may refer to it.
    func keep(where isPresent: (MemberID) -> Bool) {
        regions.removeAll { !isPresent($0.member) }
    }

    func slot(for item: WorkItem, of member: MemberID) -> UInt32 {
        item.number == 0 ? 0 : UInt32(region(of: member)?.place(item) ?? 0)
    }

    func chunk(of header: Header, payloadBytes: Int) throws(ProtocolError) -> Int {
        throw .unexpectedKind(header.kind)
    }

    func add(chunk: Int, of item: WorkItem, from member: MemberID) -> Bool { false }

    func push(
        _ bytes: UnsafeRawBufferPointer, chunk: Int, of node: NodeID, _ push: (PartialResult) throws -> Void
    ) throws {
        throw ProtocolError.unexpectedKind(.gradient)
    }

    func complete(_ item: WorkItem, from member: MemberID, _ push: (PartialResult) throws -> Void) throws {
        guard let (floats, isStable) = region(of: member)?.gradient(of: item) else {
            throw ProtocolError.inconsistent(.nodeResult)
        }
        for (index, chunk) in chunks.chunks.enumerated() {
            try push(.gradient(item.node, chunk: index, floats + chunk.range.lowerBound, isStable: isStable))
        }
    }

    private func region(of member: MemberID) -> MemberRegion? {
        regions.first { $0.member == member }
    }
}

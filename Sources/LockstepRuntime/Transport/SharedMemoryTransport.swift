import LockstepCluster
import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import LockstepTraining

/// Gradients in memory that the coordinator shares with the workers on its host. They are not copied; a record in the worker's
/// mailbox, or a message, says when a gradient is complete.
final class SharedMemoryTransport: PayloadTransport {
    let server: RegionServer
    private let chunks: ChunkLayout
    /// The gradients of each member that shares memory.
    private var regions: [MemberRegion] = []

    init(server: RegionServer, chunks: ChunkLayout) {
        self.server = server
        self.chunks = chunks
    }

    /// The number of members that share memory.
    var count: Int { regions.count }

    /// Whether a member shares memory.
    func includes(_ member: MemberID) -> Bool { region(of: member) != nil }

    /// Grants a member the shared memory that it requests.
    ///
    /// - Throws: `SystemError` if memory cannot be allocated or the worker has ended. The worker gets a refusal then.
    func grant(_ member: MemberID, on channel: RegionServer.Channel) throws {
        do {
            regions.append(try server.grant(member, on: channel))
        } catch {
            server.refuse(member, on: channel)
            throw error
        }
    }

    /// Frees the region of a member that does not use it.
    func revoke(_ member: MemberID) {
        regions.removeAll { $0.member == member }
    }

    /// Frees the regions of members that are no longer present. Call it between steps: within a step, sums may still refer
    /// to the region of a member that has been lost.
    func retain(where isPresent: (MemberID) -> Bool) {
        regions.removeAll { !isPresent($0.member) }
    }

    // MARK: - Mailboxes

    /// Whether a worker reads its mailbox.
    var hasMailboxes: Bool { regions.contains(where: \.usesMailbox) }

    /// The workers' mailboxes, for a thread that waits for records; nil if no worker has one.
    var mail: AdaptiveSpin.Mail? {
        guard hasMailboxes else { return nil }
        return AdaptiveSpin.Mail(nextTime: { self.nextMailTime }, setAsleep: { self.server.setAsleep($0) })
    }

    /// When the oldest record of the workers was put; nil if there is none.
    private var nextMailTime: Instant? {
        var oldest: Instant?
        for region in regions { oldest = Instant.earlier(oldest, region.nextMailTime) }
        return oldest
    }

    /// One of the members that share memory; nil beyond the last.
    func member(at index: Int) -> MemberID? { regions.indices.contains(index) ? regions[index].member : nil }

    /// Whether a worker has put a record.
    func hasMail(of member: MemberID) -> Bool { region(of: member)?.nextMailTime != nil }

    /// Whether tasks of a worker are put into a mailbox.
    func hasMailbox(_ member: MemberID) -> Bool { region(of: member)?.usesMailbox == true }

    /// Begins to put tasks into a worker's mailbox and to read records from it: the worker has said that it does so, too.
    func openMailbox(of member: MemberID) {
        region(of: member)?.usesMailbox = server.hasMailboxes
    }

    /// Stops reading a worker's records.
    func closeMailbox(of member: MemberID) {
        region(of: member)?.usesMailbox = false
    }

    /// Receives a worker's next record.
    func receiveMail(from member: MemberID) throws(ProtocolError) -> (header: Header, result: NodeResult)? {
        try region(of: member)?.receiveMail()
    }

    /// Puts a task into the mailbox for a worker, and wakes the worker if it sleeps.
    ///
    /// - Returns: False if there is no room, or no mailbox: the task must be sent as a message.
    func put(_ task: Header, for member: MemberID) -> Bool { region(of: member)?.put(task) ?? false }

    // MARK: - Gradients

    func slot(for item: WorkItem, of member: MemberID) -> UInt32 {
        item.number == 0 ? 0 : UInt32(region(of: member)?.place(item) ?? 0)
    }

    func part(of header: Header, payloadBytes: Int) throws(ProtocolError) -> ChunkPart {
        throw .unexpectedKind(header.kind)
    }

    func add(_ part: ChunkPart, of item: WorkItem, from member: MemberID) throws(ProtocolError) -> Bool {
        throw .unexpectedKind(.gradient)
    }

    func push(
        _ bytes: UnsafeRawBufferPointer, _ part: ChunkPart, of node: NodeID, from member: MemberID,
        _ push: (PartialResult) throws -> Void
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

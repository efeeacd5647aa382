/// The final chunks of the next weights, and which of them each member has been sent.
///
/// The optimizer updates the weights chunk by chunk. A member that has answered its part of a step is sent each chunk
/// as it becomes final, so the transfer overlaps with the rest of the step. A member that shares memory is sent none.
struct PublishedWeights: ~Copyable, Sendable {
    private let chunks: Int
    /// The final chunks of the next weights.
    private var published: ChunkSet

    /// - Parameter chunks: The number of chunks of the weights.
    init(chunks: Int) {
        self.chunks = chunks
        self.published = ChunkSet(version: 0, capacity: chunks)
    }

    /// Begins a step: no chunk of the next weights is final.
    mutating func begin(step: UInt64) {
        published.reset(to: step + 1)
    }

    /// Sends a chunk of the next weights, which is final now, to all members whose answers are complete or arriving.
    mutating func publish(
        version: UInt64, chunk: Int, to membership: inout Membership, into actions: inout [CoordinatorAction]
    ) {
        published.reset(to: version)
        guard published.insert(chunk) else { return }
        for index in membership.indices where isAwaiting(version, membership[index]) {
            send(version: version, chunk: chunk, to: &membership[index], into: &actions)
        }
    }

    /// Declares void all that members have been sent, and that anything is final: other weights of these versions follow.
    mutating func withdraw(from membership: inout Membership) {
        published.clear()
        for index in membership.indices { membership[index].weights = VersionedChunkSets(capacity: chunks) }
    }

    /// Sends every chunk that is final already to a member whose answer is complete or arriving.
    func sendPublished(to member: inout Member, into actions: inout [CoordinatorAction]) {
        let version = published.version
        guard published.count > 0, isAwaiting(version, member) else { return }
        for chunk in 0..<chunks where published.contains(chunk) {
            send(version: version, chunk: chunk, to: &member, into: &actions)
        }
    }

    /// Sends a member every chunk of a step's weights that it lacks.
    func sendMissing(ofStep step: UInt64, to member: inout Member, into actions: inout [CoordinatorAction]) {
        guard !member.sharesMemory else { return }
        member.weights[step].reset(to: step)
        for chunk in 0..<chunks where member.weights[step].insert(chunk) {
            actions.append(.sendParameters(member.peer, member.id, version: step, chunk: chunk))
        }
    }

    /// Whether a member is sent chunks of this version early. The member must have the whole previous version; a new
    /// member gets all weights with its first assignment.
    ///
    /// A member whose answer is arriving needs the previous version no more, and stores the next one in separate
    /// memory. Until its answer is complete it is sent no further version, so it never holds more than two.
    private func isAwaiting(_ version: UInt64, _ member: borrowing Member) -> Bool {
        version > 0 && !member.isOnStandby
            && (member.isIdle || member.queue.isArriving(ofStep: version - 1))
            && member.weights[version - 1].isComplete(version - 1)
    }

    private func send(
        version: UInt64, chunk: Int, to member: inout Member, into actions: inout [CoordinatorAction]
    ) {
        member.weights[version].reset(to: version)
        guard member.weights[version].insert(chunk) else { return }
        actions.append(.sendParameters(member.peer, member.id, version: version, chunk: chunk))
    }
}

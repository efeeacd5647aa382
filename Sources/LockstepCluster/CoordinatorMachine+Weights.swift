/// Who gets which weights.
extension CoordinatorMachine {
    /// A chunk of the next weights is final: those who have answered, or are about to, get it at once.
    mutating func publish(version: UInt64, chunk: Int, into actions: inout [CoordinatorAction]) {
        published.turn(to: version)
        guard published.insert(chunk) else { return }
        for index in members.indices where isAwaiting(version, index) {
            send(version: version, chunk: chunk, to: index, into: &actions)
        }
    }

    /// A member's gradient begins to arrive: it gets what is final of the next weights while the rest of it is on its way.
    mutating func noteAnswering(
        _ item: WorkItem, _ peer: PeerID, _ member: MemberID, into actions: inout [CoordinatorAction]
    ) {
        guard let index = index(of: peer, member), members[index].holds(item) else { return }
        members[index].answering = item
        sendPublished(to: index, into: &actions)
    }

    /// A member has answered, or is about to: it gets what became final meanwhile.
    mutating func sendPublished(to index: Int, into actions: inout [CoordinatorAction]) {
        let version = published.version
        guard published.count > 0, isAwaiting(version, index) else { return }
        for chunk in 0..<configuration.chunks where published.contains(chunk) {
            send(version: version, chunk: chunk, to: index, into: &actions)
        }
    }

    /// Only a member that has the weights before is sent the next ones early; a new one gets all of them in time, and
    /// one that shares memory has them.
    ///
    /// One that is still answering has read the weights before, and those that it is sent lie beside them. Until it has
    /// answered it gets no others, so it never has more than these two versions to do with.
    private func isAwaiting(_ version: UInt64, _ index: Int) -> Bool {
        version > 0 && !members[index].isInReserve
            && (members[index].isIdle || members[index].isAnswering(step: version - 1))
            && members[index].weights[version - 1].isComplete(version - 1)
    }

    private mutating func send(
        version: UInt64, chunk: Int, to index: Int, into actions: inout [CoordinatorAction]
    ) {
        members[index].weights[version].turn(to: version)
        guard members[index].weights[version].insert(chunk) else { return }
        actions.append(.sendParameters(members[index].peer, members[index].id, version: version, chunk: chunk))
    }
}

/// Who gets which weights.
extension CoordinatorMachine {
    /// A chunk of the next weights is final: those who have answered get it at once.
    mutating func publish(version: UInt64, chunk: Int, into actions: inout [CoordinatorAction]) {
        published.turn(to: version)
        guard published.insert(chunk) else { return }
        for index in members.indices where isAwaiting(version, index) {
            send(version: version, chunk: chunk, to: index, into: &actions)
        }
    }

    /// A member has answered: it gets what became final meanwhile.
    mutating func sendPublished(to index: Int, into actions: inout [CoordinatorAction]) {
        let version = published.version
        guard published.count > 0, isAwaiting(version, index) else { return }
        for chunk in 0..<terms.chunks where published.contains(chunk) {
            send(version: version, chunk: chunk, to: index, into: &actions)
        }
    }

    /// Only a member that has the weights before is sent the next ones early; a new one gets all of them in time, and
    /// one that shares memory has them.
    private func isAwaiting(_ version: UInt64, _ index: Int) -> Bool {
        version > 0 && members[index].isIdle && !members[index].isInReserve
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

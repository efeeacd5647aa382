import LockstepCluster

/// Collects the answers of workers that are asked whether the data sets in their memory are intact, and keeps which worker
/// has said that its data set has changed.
final class DataCheckCollector {
    /// The number of each member's unanswered request.
    private var asked: [MemberID: UInt64] = [:]
    /// The number of the last requests.
    private var number: UInt64 = 0
    /// The first worker whose data set has changed since the run last went back to an earlier state.
    private(set) var faulty: MemberInfo?

    /// Whether answers to the last requests are missing.
    var isWaiting: Bool { asked.values.contains(number) }

    /// Starts a new collection. A member that has not answered an earlier request is not asked again before it does, and not
    /// waited for: it does not hold up the run twice.
    ///
    /// - Parameter members: The members whose answers are wanted.
    /// - Returns: The members to ask, and the number of the requests.
    func begin(_ members: [MemberID]) -> (members: [MemberID], number: UInt64) {
        number += 1
        let members = members.filter { asked[$0] == nil }
        for member in members { asked[member] = number }
        return (members, number)
    }

    /// Receives a member's answer that its data set is intact. Ignores one to another request.
    func receive(_ number: UInt64, from member: MemberID) {
        if asked[member] == number { asked.removeValue(forKey: member) }
    }

    /// Forgets members that no longer take part.
    func retain(_ present: Set<MemberID>) {
        asked = asked.filter { present.contains($0.key) }
    }

    /// Records that a worker has left because its data set has changed.
    func recordChange(of worker: MemberInfo) {
        if faulty == nil { faulty = worker }
    }

    /// Records that the run goes back to a state from before all changes so far.
    func rewind() {
        faulty = nil
    }
}

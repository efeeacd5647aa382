import LockstepCluster

/// Collects the answers of workers that are asked whether the data sets in their memory are intact, and records the first
/// worker that reports a change.
final class DataCheckCollector {
    /// The number of each member's unanswered request.
    private var asked: [MemberID: UInt64] = [:]
    /// The number of the last requests.
    private var number: UInt64 = 0
    /// The first worker whose data set has changed since the run last went back to an earlier state.
    private(set) var faulty: MemberInfo?

    /// Whether answers to the last requests are missing.
    var isWaiting: Bool { asked.values.contains(number) }

    /// Starts a new collection. A member with an unanswered request gets no second one, and the run does not wait for it: it
    /// delays the run once.
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

    /// Forgets the fault, because the run goes back to its newest checkpoint.
    func rewind() {
        faulty = nil
    }
}

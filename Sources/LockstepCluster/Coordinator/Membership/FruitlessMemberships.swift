/// How many consecutive memberships of a process have ended without an answer.
///
/// A link that breaks before an answer can have come costs each membership's work, and the run makes no progress. Only
/// members that have proved themselves are counted, and of these the last few that were lost.
struct FruitlessMemberships: Sendable {
    private static let capacity = 64

    private var counts: [(process: ProcessIdentity, count: Int)] = []

    /// The memberships of a process.
    func count(of process: ProcessIdentity) -> Int {
        counts.first { $0.process == process }?.count ?? 0
    }

    /// Counts a membership that has ended.
    mutating func record(_ member: Member) {
        let before = count(of: member.process)
        counts.removeAll { $0.process == member.process }
        guard !member.hasAnswered else { return }
        // A membership without work says nothing about its link.
        let count = member.queue.isEmpty ? before : before + 1
        guard count > 0 else { return }
        if counts.count == Self.capacity { counts.removeFirst() }
        counts.append((member.process, count))
    }
}

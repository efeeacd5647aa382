import LockstepTimeline

/// Bytes that move over a member's connection while the coordinator waits for it: weights on their way to it, or its answer.
///
/// They are a sign of life, which heartbeats alone are not: the I/O thread of a worker that hangs answers those.
package struct Transfer: Hashable, Sendable {
    /// Bytes a second, of both directions.
    let bytesPerSecond: UInt64
    /// Bytes of one version of the weights, or of one gradient.
    let gradientBytes: UInt64
    /// When they were seen to move.
    let seen: Instant

    /// Seconds that the link needs for a step with this number of gradients.
    func secondsOfStep(gradients: Int) -> Double {
        Double(bytesOfStep(gradients: gradients)) / Double(max(1, bytesPerSecond))
    }

    /// Bytes of a step: a version of the weights, and this number of gradients.
    func bytesOfStep(gradients: Int) -> UInt64 {
        let (bytes, overflow) = gradientBytes.multipliedReportingOverflow(by: UInt64(max(1, gradients) + 1))
        return overflow ? .max : bytes
    }
}

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

import LockstepCluster
import LockstepProtocol
import LockstepTimeline

/// Collects the workers' timelines. The workers record them, and send them when the coordinator asks between two steps.
final class TimelineCollector {
    /// The time of each unanswered request, on this process's clock.
    private var asked: [MemberID: Instant] = [:]
    private var reports: [MemberID: (report: TimelineReport, offset: Int64)] = [:]

    /// Whether answers are missing.
    var isWaiting: Bool { !asked.isEmpty }

    /// Starts a new collection.
    func begin() {
        asked.removeAll()
        reports.removeAll()
    }

    /// Records that a member is asked now.
    func addRequest(to member: MemberID) {
        asked[member] = .now
    }

    /// Stops waiting for members that no longer take part.
    func retain(_ present: Set<MemberID>) {
        asked = asked.filter { present.contains($0.key) }
    }

    /// Receives a report and estimates the offset of the member's clock: the best estimate is that the member read its
    /// clock halfway between request and answer (Cristian, "Probabilistic clock synchronization", 1989).
    func receive(_ report: TimelineReport, from member: MemberID) {
        guard let asked = asked.removeValue(forKey: member) else { return }
        let middle = asked.nanoseconds &+ (Instant.now.nanoseconds &- asked.nanoseconds) / 2
        reports[member] = (report, Int64(bitPattern: middle &- report.clock))
    }

    /// The timelines of these members, in the same order, without members that have not answered.
    func timelines(of members: [MemberInfo]) -> [ProcessTimeline] {
        members.compactMap { member in
            reports[member.id].map { answer in
                ProcessTimeline(
                    name: "\(member.id)", processID: member.processID, clockOffset: answer.offset,
                    totals: answer.report.totals, spans: answer.report.spans)
            }
        }
    }
}

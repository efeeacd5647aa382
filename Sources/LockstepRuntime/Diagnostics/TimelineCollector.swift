import LockstepCluster
import LockstepProtocol
import LockstepTimeline

/// Collects from the workers where their time goes: they record it, and report when they are asked between two steps.
final class TimelineCollector {
    /// When each member was asked, on this process's clock; those that have not reported.
    private var asked: [MemberID: UInt64] = [:]
    private var reports: [MemberID: (report: TimelineReport, offset: Int64)] = [:]

    /// Whether reports are missing.
    var isWaiting: Bool { !asked.isEmpty }

    /// Begins anew.
    func begin() {
        asked.removeAll()
        reports.removeAll()
    }

    /// Notes that a member is asked now.
    func ask(_ member: MemberID) {
        asked[member] = Timeline.now
    }

    /// Waits no longer for members that have gone.
    func keep(_ present: Set<MemberID>) {
        asked = asked.filter { present.contains($0.key) }
    }

    /// Receives a report. Its clock was read halfway between question and answer, as far as can be told (Cristian,
    /// "Probabilistic clock synchronization", 1989).
    func receive(_ report: TimelineReport, from member: MemberID) {
        guard let asked = asked.removeValue(forKey: member) else { return }
        let middle = asked &+ (Timeline.now &- asked) / 2
        reports[member] = (report, Int64(bitPattern: middle &- report.clock))
    }

    /// The timelines of these members, in their order; members that have not reported are left out.
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

import LockstepCluster
import LockstepProtocol
import LockstepSystem
import LockstepTimeline

/// Where the workers' time goes: they note it, and tell when they are asked between two steps.
extension ClusterGradientSource {
    /// Reports that are under way.
    struct TimelineRequests {
        /// When each member was asked, on this process's clock.
        var asked: [MemberID: UInt64] = [:]
        var reports: [(member: MemberID, report: TimelineReport, offset: Int64)] = []
    }

    /// Asks all members, and waits for those that answer in time.
    ///
    /// - Returns: What they have noted since they were last asked, in the order of their numbers.
    func collectTimelines() throws -> [ProcessTimeline] {
        timelineRequests = TimelineRequests()
        let members = machine.activeMembers
        for (peer, info) in members {
            timelineRequests.asked[info.id] = Timeline.now
            try link.post(to: peer, header(.timelineRequest, info.id))
        }
        let deadline = Instant.now.advanced(bySeconds: machine.configuration.deadlines.report)
        while !timelineRequests.asked.isEmpty, deadline > .now {
            try turn(until: deadline) { _ in }
            let present = Set(machine.activeMembers.map(\.info.id))
            timelineRequests.asked = timelineRequests.asked.filter { present.contains($0.key) }
        }
        return members.compactMap { _, info in
            timelineRequests.reports.first { $0.member == info.id }.map { answer in
                ProcessTimeline(
                    name: "\(info.id)", processID: info.processID, clockOffset: answer.offset,
                    totals: answer.report.totals, spans: answer.report.spans)
            }
        }
    }

    /// Takes a report in. Its clock is read halfway between question and answer, as well as anybody can tell (Cristian,
    /// "Probabilistic clock synchronization", 1989).
    func takeTimeline(_ report: TimelineReport, from member: MemberID) {
        guard let asked = timelineRequests.asked.removeValue(forKey: member) else { return }
        let now = Timeline.now
        let middle = asked &+ (now &- asked) / 2
        timelineRequests.reports.append((member, report, Int64(bitPattern: middle &- report.clock)))
    }
}

import LockstepCluster
import LockstepProtocol

/// Reports notices to people: repeated ones seldom, and the end of a worker with the last lines of its log.
final class NoticeReporter {
    private let notify: (ClusterNotice, _ step: UInt64?, _ logTail: [String]) -> Void
    /// Refusals by their code, so that a flood of them is no flood of lines.
    private var refusals = RejectionLog()
    /// The last lines of the logs of members that fail, until their end is reported.
    private var logTails: [MemberID: [String]] = [:]

    init(_ notify: @escaping (ClusterNotice, _ step: UInt64?, _ logTail: [String]) -> Void) {
        self.notify = notify
    }

    /// Reports a notice, unless it is one of a flood.
    ///
    /// - Parameters:
    ///   - notice: What has happened.
    ///   - step: The step under way.
    func report(_ notice: ClusterNotice, step: UInt64?) {
        switch notice {
        case .refused(_, let refusal):
            if refusals.add("\(refusal.code)", from: []) == nil { return }
        case .outdated:
            if refusals.add("outdated", from: []) == nil { return }
        default:
            break
        }
        let tail = notice.removedWorker.flatMap { logTails.removeValue(forKey: $0.id) }
        notify(notice, step, tail ?? [])
    }

    /// Keeps the last lines of a member's log. However many it sends, each member has one such text.
    ///
    /// - Parameters:
    ///   - lines: The lines, the oldest first.
    ///   - member: The member.
    ///   - isPresent: Says of any member whether it is one.
    func keep(_ lines: [String], of member: MemberID, isPresent: (MemberID) -> Bool) {
        logTails = logTails.filter { isPresent($0.key) }
        logTails[member] = lines
    }
}

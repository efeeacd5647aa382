import LockstepCluster
import LockstepProtocol

/// Reports notices to users: repeated notices rarely, and the end of a worker together with the last lines of its log.
final class NoticeReporter {
    private let notify: (ClusterNotice, _ step: UInt64?, _ logTail: [String]) -> Void
    /// Counts refusals by their code, and other things that strangers can cause, so that a flood of them does not cause a
    /// flood of lines.
    private var refusals = RejectionLog()
    /// The last lines of the logs of failing members, until their end is reported.
    private var logTails: [MemberID: [String]] = [:]

    init(_ notify: @escaping (ClusterNotice, _ step: UInt64?, _ logTail: [String]) -> Void) {
        self.notify = notify
    }

    /// Reports a notice, unless the same kind was reported too often.
    ///
    /// - Parameters:
    ///   - notice: The notice.
    ///   - step: The step under way.
    func report(_ notice: ClusterNotice, step: UInt64?) {
        switch notice {
        case .refused(_, let refusal):
            if refusals.add("\(refusal.code)", from: []) == nil { return }
        case .outdated:
            if refusals.add("outdated", from: []) == nil { return }
        case .notProved:
            if refusals.add("not proved", from: []) == nil { return }
        default:
            break
        }
        let tail = notice.removedWorker.flatMap { logTails.removeValue(forKey: $0.id) }
        notify(notice, step, tail ?? [])
    }

    /// Stores the last lines of a member's log until its end is reported. Replaces lines that it has sent before.
    ///
    /// - Parameters:
    ///   - lines: The lines, the oldest first.
    ///   - member: The member.
    ///   - isPresent: Returns whether a member still takes part; lines of other members are removed.
    func saveLogTail(_ lines: [String], of member: MemberID, isPresent: (MemberID) -> Bool) {
        logTails = logTails.filter { isPresent($0.key) }
        logTails[member] = lines
    }
}

package import Foundation
import LockstepCluster
import LockstepProtocol
import LockstepSystem

/// A failure in a run: a worker was lost, failed, reported that its data set had changed, was put under quarantine or was refused.
package struct FailureEvent: Sendable {
    package let time: Date
    /// The step under way; nil between steps and before the first.
    package let step: UInt64?
    /// The worker and what happened to it: `worker 3 (host, pid 7) was lost: signal 9 (Killed)`.
    package let text: String
    /// The path of the worker's log, if it runs on this host.
    package let log: String?
    /// The last lines of that log, or the lines that a worker on another host has sent.
    package let logTail: [String]
}

/// The failures of a run since all its workers were last present: the first cause and its consequences.
package final class FailureLog {
    /// Events beyond this number are only counted.
    private static let capacity = 100
    private static let logTailLines = 5

    /// In the order in which they happened; the first is the cause.
    package private(set) var events: [FailureEvent] = []
    /// The number of events that are only counted.
    package private(set) var omitted = 0
    /// The number of active workers at which all workers are present again.
    private let wanted: Int
    /// Processes whose end is already recorded.
    private var ended: Set<UInt32> = []

    init(wanted: Int) {
        self.wanted = wanted
    }

    /// Records a notice if it reports a failure. Clears the log when all workers are present again.
    ///
    /// - Parameters:
    ///   - notice: A notice of the coordinator's machine.
    ///   - step: The step under way.
    ///   - ending: How the process of a lost worker ended, if this process started it.
    ///   - log: The path of its log.
    ///   - logTail: The last lines of its log that it has sent.
    func record(
        _ notice: ClusterNotice, step: UInt64?, ending: String?, log: String?, logTail: [String] = []
    ) {
        switch notice {
        case .joined(_, let active), .joinedWithOtherBits(_, _, let active):
            guard active >= wanted else { return }
            events.removeAll()
            ended.removeAll()
            omitted = 0
        case .lost(let member, let reason, _, _):
            if ending != nil { ended.insert(member.processID) }
            add("\(member) was lost: \(ending ?? reason)", step, log, logTail)
        case .left(let member, let goodbye, _) where goodbye.code == .failed:
            add("\(member) failed: \(goodbye.message)", step, log, logTail)
        case .quarantined(let member, let wrongStep, let node, _):
            add("\(member) computed a wrong result for node \(node) of step \(wrongStep)", step, log)
        case .dataChanged(let member, _, _):
            ended.insert(member.processID)
            add("the data set changed in the memory of \(member)", step, log, logTail)
        case .notProved(let member, let reason, _):
            if ending != nil { ended.insert(member.processID) }
            add("\(member) was lost before it had joined: \(ending ?? reason)", step, log, logTail)
        case .refused(let host, let refusal):
            add("a worker\(host.map { " on \($0)" } ?? "") was refused: \(refusal.message)", step, log)
        default:
            break
        }
    }

    /// Records local worker processes that have ended. Call it after the run has failed: the coordinator may not have
    /// seen the end of their connections yet.
    func record(_ deaths: [LocalWorkers.Death], step: UInt64?) {
        for death in deaths where !ended.contains(death.processID) {
            let worker = "worker process \(death.place) (\(Host.name), pid \(death.processID))"
            add("\(worker) was lost: \(death.ending)", step, death.log)
        }
    }

    private func add(_ text: String, _ step: UInt64?, _ log: String?, _ sent: [String] = []) {
        guard events.count < Self.capacity else {
            omitted += 1
            return
        }
        let tail = log.map { lastLines(of: $0, count: Self.logTailLines) } ?? sent
        events.append(FailureEvent(time: Date(), step: step, text: text, log: log, logTail: tail))
    }
}

package import Foundation
import Glibc
import LockstepCluster
import LockstepProtocol
import LockstepSystem

/// What has gone wrong in a run since all was well: the first cause, and what followed from it.
package final class Chronicle {
    package struct Incident: Sendable {
        package let time: Date
        /// The step under way; nil between steps and before the first.
        package let step: UInt64?
        /// Whom it befell, and what it was: `worker 3 (host, pid 7) was lost: signal 9 (Killed)`.
        package let text: String
        /// The log of a worker of this host.
        package let log: String?
        /// The last of what it says, or of what a worker of another host has sent of its own.
        package let lastWords: [String]
    }

    /// More than this many are only counted.
    private static let capacity = 100
    private static let wordsKept = 5

    /// In the order in which they happened; the first is the cause.
    package private(set) var incidents: [Incident] = []
    /// Those that are only counted.
    package private(set) var omitted = 0
    /// Workers with which all is well again.
    private let wanted: Int
    /// Processes whose end is told already.
    private var ended: Set<UInt32> = []

    init(wanted: Int) {
        self.wanted = wanted
    }

    /// Takes news in: of losses and the like, and of a membership that is whole again, which ends the story.
    ///
    /// - Parameters:
    ///   - notice: What the coordinator's machine tells.
    ///   - step: The step under way.
    ///   - ending: How the process of a lost worker ended, if it was started here.
    ///   - log: Its log.
    ///   - lastWords: What it has sent of its log before.
    func note(
        _ notice: ClusterNotice, step: UInt64?, ending: String?, log: String?, lastWords: [String] = []
    ) {
        switch notice {
        case .joined(_, let active), .joinedWithOtherBits(_, _, let active):
            guard active >= wanted else { return }
            incidents.removeAll()
            ended.removeAll()
            omitted = 0
        case .lost(let member, let reason, _, _):
            if ending != nil { ended.insert(member.processID) }
            add("\(member) was lost: \(ending ?? reason)", step, log, lastWords)
        case .left(let member, let goodbye, _) where goodbye.code == .failed:
            add("\(member) gave up: \(goodbye.message)", step, log, lastWords)
        case .quarantined(let member, let wrongStep, let node, _):
            add("\(member) computed a wrong gradient for node \(node) of step \(wrongStep)", step, log)
        case .refused(let host, let refusal):
            add("a worker\(host.map { " on \($0)" } ?? "") was refused: \(refusal.message)", step, log)
        default:
            break
        }
    }

    /// Takes in, when the run has failed, processes of this host that have ended before the end of their connections
    /// could be told as a loss.
    func note(_ deaths: [LocalWorkers.Death], step: UInt64?) {
        for death in deaths where !ended.contains(death.processID) {
            let who = "worker process \(death.place) (\(Host.name), pid \(death.processID))"
            add("\(who) was lost: \(death.ending)", step, death.log)
        }
    }

    private func add(_ text: String, _ step: UInt64?, _ log: String?, _ sent: [String] = []) {
        guard incidents.count < Self.capacity else {
            omitted += 1
            return
        }
        let words = log.map { lastLines(of: $0, count: Self.wordsKept) } ?? sent
        incidents.append(Incident(time: Date(), step: step, text: text, log: log, lastWords: words))
    }
}

/// The last lines of a text file, where a process that fails says why.
func lastLines(of path: String, count: Int) -> [String] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return [] }
    defer { close(file) }
    let end = lseek(file, 0, SEEK_END)
    var buffer = [UInt8](repeating: 0, count: 4_096)
    let read = pread(file, &buffer, buffer.count, max(0, end - buffer.count))
    guard read > 0 else { return [] }
    let text = String(decoding: buffer.prefix(read), as: UTF8.self)
    return text.split(separator: "\n").suffix(count).map(String.init)
}

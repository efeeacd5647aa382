import LockstepCluster
import LockstepText

/// What `lockstep replay` prints.
enum ReplayText {
    /// The events of a record, as `--verbose` lists them: the first ones only.
    struct EventList {
        /// A record of an hour holds millions of events.
        static let limit = 1_000
        /// A worker that joins may be sent thousands of chunks.
        private static let lineLimit = 500

        private var count = 0

        /// Counts an event; its line unless there are too many.
        mutating func add(_ replayed: EventReplay.Replayed) -> String? {
            count += 1
            guard count <= Self.limit else { return nil }
            let actions = replayed.actions.isEmpty ? "" : " -> \(EventReplay.Failure.list(replayed.actions))"
            let line =
                "\(replayed.number)   \(decimal(replayed.seconds, 6)) s   \(ReplayText.plain(replayed.event))\(ReplayText.plain(actions))"
            return line.count <= Self.lineLimit ? line : line.prefix(Self.lineLimit - 3) + "..."
        }

        /// How many events are not listed; nil if all are.
        var omission: String? {
            count > Self.limit ? "and \(counted(count - Self.limit, "more event"))" : nil
        }
    }

    /// The line for a record that leads to the same actions.
    static func line(_ report: EventReplay.Report) -> String {
        "\(counted(report.events, "event")), \(counted(report.actions, "action")), \(counted(report.steps, "step")), "
            + "\(decimal(report.seconds, 3)) s: the same decisions as in the run"
    }

    static func kind(of failure: EventReplay.Failure) -> CommandError.Kind {
        switch failure {
        case .malformed: .invalidData
        case .differs: .failedCheck
        }
    }

    /// Where and how a replay failed, in one line.
    static func text(_ failure: EventReplay.Failure) -> String {
        switch failure {
        case .malformed:
            return "\(failure)"
        case .differs(let replayed, let recordedActions, let recordedDigest, let digest):
            let now =
                replayed.actions.isEmpty ? "" : ": \(ReplayText.plain(EventReplay.Failure.list(replayed.actions)))"
            return
                "the decisions differ at event \(grouped(replayed.number)), after \(decimal(replayed.seconds, 6)) s: "
                + "\(ReplayText.plain(replayed.event)); recorded: \(counted(recordedActions, "action")) with digest \(hex(recordedDigest)); "
                + "now: \(counted(replayed.actions.count, "action")) with digest \(hex(digest))\(now)"
        }
    }

    private static func hex(_ digest: UInt64) -> String {
        let digits = String(digest, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// An event or action as text, without the names of modules.
    private static func plain(_ value: some Any) -> String {
        "\(value)".replacing("LockstepProtocol.", with: "").replacing("LockstepCluster.", with: "")
    }
}

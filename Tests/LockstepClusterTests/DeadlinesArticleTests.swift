import LockstepCluster
import LockstepTesting
import Testing

/// The article about deadlines, compared with their values.
@Suite("The documentation's table of deadlines")
struct DeadlinesArticleTests {
    private static let article = Program.root + "/Sources/Lockstep/Documentation.docc/Deadlines.md"

    private struct Row {
        let wait: String
        /// A text with a place `#` for each value.
        let seconds: String
        let values: [PartialKeyPath<Deadlines>]

        init(_ wait: String, _ seconds: String, _ values: PartialKeyPath<Deadlines>...) {
            (self.wait, self.seconds, self.values) = (wait, seconds, values)
        }

        func text(_ deadlines: Deadlines) -> String {
            var seconds = seconds
            for path in values {
                guard let place = seconds.firstIndex(of: "#") else { break }
                let value = deadlines[keyPath: path]
                let whole = (value as? Double).flatMap { Int(exactly: $0) }
                seconds.replaceSubrange(place...place, with: whole.map(String.init) ?? "\(value)")
            }
            return "| \(wait) | \(seconds) |"
        }
    }

    private static let deadlines = Deadlines()

    private static var rows: [Row] {
        [
            Row("heartbeat: sent every / peer lost after", "# / #", \.heartbeatInterval, \.heartbeatTimeout),
            Row("connection: for the transport's own handshake", "#", \.connection),
            Row("handshake: from *welcome*, or the last part of the data set, to *ready*", "#", \.handshake),
            Row("until an unanswered *hello* is repeated", "#", \.hello),
            Row(
                "until a worker says *hello* again to a run that is full", "#, doubled each time up to #",
                \.retryWhenFull, \.longestRetryWhenFull),
            Row(
                "silence: until a worker asks a coordinator that says nothing / until it gives it up",
                "# / \(Int(deadlines.ping * Double(deadlines.pings + 1)))", \.ping, \.pings),
            Row("start: for the first workers, or for the coordinator", "#", \.start),
            Row("rejoin: for a worker once the last one has gone, or for the coordinator", "#", \.rejoin),
            Row("between two lines in which a worker says why it waits for its coordinator", "#", \.waitReport),
            Row("host: for ssh to reach a host of `--hosts`", "#", \.hostConnection),
            Row(
                "until ssh asks a host that says nothing / until it gives it up",
                "# / \(Int(deadlines.hostAlive * Double(deadlines.hostAliveQuestions + 1)))", \.hostAlive,
                \.hostAliveQuestions),
            Row(
                "straggler: until an idle worker computes a node too", "# × expected, at least #", \.stragglerFactor,
                \.stragglerFloor),
            Row(
                "step: until a worker that does not answer is evicted", "# × expected, at least #", \.stepFactor,
                \.stepFloor),
            Row(
                "the same before any answer; also the longest wait while bytes for or from the worker are under way",
                "#", \.firstAnswer),
            Row(
                "fruitless: until a worker without answers gives up and the coordinator refuses it", "# memberships",
                \.fruitlessMemberships),
            Row("weights: until a worker ends because weights are still arriving", "#", \.weights),
            Row(
                "pause before a dead worker is replaced", "#, doubled with every early death up to #", \.firstPause,
                \.longestPause),
            Row("linger: for the last messages when a socket closes", "#", \.linger),
            Row("drain: for a run's last messages to reach workers that answer the heartbeat", "#", \.drain),
            Row("report: for workers to send their timelines", "#", \.report),
            Row(
                "data check: for the answers of workers that are asked whether their data sets are intact", "#",
                \.dataCheck),
            Row("status: for the coordinator's answer to `status` or `doctor`", "#", \.status),
            Row("offer: for the coordinator's answer to a worker that asks for shared memory", "#", \.offer),
            Row("end: for the connection of a process that has ended to end too", "#", \.end),
            Row(
                "stop: for the workers' answers to the step under way once a signal has told the run to stop", "#",
                \.stop),
            Row("exit grace: from asking a local worker to stop to killing it", "#", \.exitGrace),
            Row("exit grace after a signal", "#", \.hurriedExitGrace),
            Row("gap: the most time that counts between two events of the coordinator", "#", \.maximumGap),
        ]
    }

    @Test("has the values of the code")
    func table() throws {
        let lines = try text(of: Self.article).split(separator: "\n").map(String.init)
        let table = Array(lines.drop { $0 != "<!-- deadlines -->" }.prefix { $0 != "<!-- /deadlines -->" }.dropFirst())
        #expect(table == ["| wait | seconds |", "| --- | --- |"] + Self.rows.map { $0.text(Self.deadlines) })
    }

    @Test("has a row for every wait")
    func rows() {
        let values = Self.rows.flatMap(\.values)
        #expect(Set(values).count == values.count)
        #expect(values.count == Mirror(reflecting: Self.deadlines).children.count)
    }
}

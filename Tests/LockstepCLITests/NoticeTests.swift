import Foundation
import LockstepArtifacts
import LockstepCluster
import LockstepProtocol
import LockstepRuns
import Testing

@testable import LockstepCLI
@testable import LockstepRuntime

@Suite("Texts of notices")
struct NoticeTests {
    private static let member = MemberInfo(id: MemberID(rawValue: 3), host: "host", processID: 7)

    private static let notices: [(notice: ClusterNotice, text: String, isWarning: Bool)] = [
        (.joined(member, active: 2), "worker 3 (host, pid 7) joined; 2 workers", false),
        (
            .joinedWithOtherBits(member, kernel: "zen", active: 1),
            "worker 3 (host, pid 7) joined with kernel zen, which computes other bits: the run is not bitwise "
                + "reproducible; 1 worker", true
        ),
        (
            .left(member, Goodbye(code: .stopping, message: "it was asked to stop"), active: 1),
            "worker 3 (host, pid 7) left: it was asked to stop; 1 worker", false
        ),
        (
            .lost(member, reason: "its connection ended", shardsReassigned: 1, active: 1),
            "worker 3 (host, pid 7) was lost: its connection ended; 1 shard goes to the others; 1 worker", true
        ),
        (
            .lost(member, reason: "its connection ended", shardsReassigned: 2, active: 0),
            "worker 3 (host, pid 7) was lost: its connection ended; 2 shards go to the others; 0 workers", true
        ),
        (
            .lost(member, reason: "its connection ended", shardsReassigned: 0, active: 2),
            "worker 3 (host, pid 7) was lost: its connection ended; 2 workers", true
        ),
        (
            .outdated(member, sentAs: MemberID(rawValue: 1)),
            "dropped a message from worker 3 (host, pid 7) that carries the ID of worker 1", true
        ),
        (
            .outdated(member, sentAs: nil),
            "dropped a message from worker 3 (host, pid 7) that carries the ID of a worker of another run", true
        ),
        (
            .memoryUnshared(reason: "no memory"),
            "weights and gradients are sent in messages, not in shared memory: no memory", true
        ),
        (
            .payloadInline(MemberID(rawValue: 3), reason: "no memory"),
            "weights and gradients of worker 3 are sent in messages, not in shared memory: no memory", true
        ),
        (.recordBroken(reason: "disk full"), "the record of events ends here: disk full", true),
        (.waiting(seconds: 60), "no workers are left; waiting 60 s for one to join", true),
        (
            .slow(member, seconds: 12.34e-6, median: 4e-6, times: 20),
            "worker 3 (host, pid 7) is slow: over the last 64 steps it took 12.3 µs a sample, the median is 4.0 µs "
                + "(3.1 x); idle workers have repeated its work 20 times", true
        ),
        (
            .quarantined(member, step: 5, node: 1, active: 1),
            "worker 3 (host, pid 7) computed a wrong result for node 1 of step 5; it gets no more work; check its "
                + "memory and processor; 1 worker", true
        ),
        (
            .dataChanged(member, active: 1, isHostExcluded: false),
            "the data set changed in the memory of worker 3 (host, pid 7), which has left; check its host's memory and "
                + "processor; 1 worker", true
        ),
        (
            .dataChanged(member, active: 0, isHostExcluded: true),
            "the data set changed in the memory of worker 3 (host, pid 7), which has left; check its host's memory and "
                + "processor; other workers of its host are refused from now on; 0 workers", true
        ),
        (
            .replacing(place: 0, seconds: 0.5, count: 2, limit: 10),
            "worker process 0 has ended; another one starts in 0.5 s (replacement 2 of at most 10)", true
        ),
        (
            .replacing(place: 0, seconds: 0.5, count: 2, limit: nil),
            "worker process 0 has ended; another one starts in 0.5 s (replacement 2)", true
        ),
        (
            .notReplaced(place: 0, limit: 1),
            "worker process 0 has ended and is not replaced: the run has used its 1 replacement (--max-restarts)", true
        ),
    ]

    @Test("Notices of the cluster", arguments: notices.indices)
    func cluster(index: Int) {
        let (notice, text, isWarning) = Self.notices[index]
        #expect(notice.text(ending: nil) == text)
        #expect(notice.isWarning == isWarning)
    }

    @Test("How a lost local worker's process ended stands in place of the reason")
    func ending() {
        let notice = ClusterNotice.lost(Self.member, reason: "its connection ended", shardsReassigned: 0, active: 1)
        #expect(
            notice.text(ending: "signal 9 (Killed)") == "worker 3 (host, pid 7) was lost: signal 9 (Killed); 1 worker")
    }

    private static let run = RunDirectory(existing: "runs/a")

    private static var runNotices: [(notice: RunNotice, lines: [Console.Line])] {
        [
            (.warning("disk full"), [.warning("disk full")]),
            (.damagedCheckpoint("step-1: damaged"), [.warning("step-1: damaged")]),
            (.resuming(directory: "runs/a", step: 5_000), [.info("Resuming runs/a after step 5,000")]),
            (
                .resuming(directory: "runs/a", step: nil),
                [.info("Resuming runs/a, which has no checkpoint yet, from its first step")]
            ),
            (
                .allEpochsTrained(1),
                [.info("The run has trained 1 epoch, all that it is asked for; to train on, give more with --epochs")]
            ),
            (.checkpoint(.saved(step: 12_000, isRequested: false)), [.detail("Checkpoint after step 12,000")]),
            (.checkpoint(.saved(step: 12_000, isRequested: true)), [.info("Checkpoint after step 12,000")]),
            (
                .traced(path: "runs/a/trace.json"),
                [.result("Trace: runs/a/trace.json (opens in https://ui.perfetto.dev)")]
            ),
            (.savedEvents(count: 1_000, path: "e"), [.warning("the last 1,000 protocol events are in e")]),
            (
                .newestCheckpoint(step: 1_000, run, canContinue: true),
                [
                    .warning(
                        "the newest checkpoint is the one after step 1,000; to continue, repeat the command with --resume "
                            + "--output runs/a")
                ]
            ),
            (
                .newestCheckpoint(step: 1_000, run, canContinue: false),
                [.warning("the newest checkpoint is the one after step 1,000, in runs/a/checkpoints")]
            ),
            (.finished(run), [.result("Run: runs/a")]),
            (
                .interrupted(signal: SIGINT, steps: 1, run),
                [
                    .warning(
                        "stopped by SIGINT after 1 step; to continue, repeat the command with --resume --output runs/a")
                ]
            ),
            (.cluster(.joined(member, active: 1), ending: nil), [.info("worker 3 (host, pid 7) joined; 1 worker")]),
            (
                .cluster(.lost(member, reason: "x", shardsReassigned: 0, active: 1), ending: nil),
                [.warning("worker 3 (host, pid 7) was lost: x; 1 worker")]
            ),
        ]
    }

    @Test("Notices of a run, and where they go", arguments: runNotices.indices)
    func run(index: Int) {
        let (notice, lines) = Self.runNotices[index]
        #expect(notice.lines(configuration: "a.yaml") == lines)
    }

    @Test("Notices of a worker")
    func worker() {
        #expect(WorkerNotice.joined(MemberID(rawValue: 2)).text == "Joined the run as worker 2")
        #expect(
            WorkerNotice.fetchingData(bytes: 54_880_000).text
                == "Fetching the data set from the coordinator: 54,880,000 bytes")
        #expect(
            WorkerNotice.runInterrupted(message: "told to stop", seconds: 60).text
                == "The run is not finished (told to stop); waiting 60 s for a coordinator that resumes it")
        #expect(
            WorkerNotice.lostCoordinator(seconds: 60).text == "Lost the coordinator; waiting 60 s for it to come back")
        #expect(WorkerNotice.rejoining(reason: "it is late").text == "Joining again: it is late")
        #expect(
            WorkerNotice.handshakesFailing(endpoint: "tcp://a:1", hasKeys: false).text
                == "Every connection to tcp://a:1 is closed at once: does the coordinator listen there, and does it "
                + "require keys (--keys DIR)? Retrying")
        #expect(
            WorkerNotice.handshakesFailing(endpoint: "tcp://a:1", hasKeys: true).text
                == "Every connection to tcp://a:1 is closed at once: does the coordinator listen there, and does it "
                + "use keys, and is coordinator.public its key? Retrying")
    }
}

@Suite("The report about a failed run")
struct FailureTextTests {
    private static func event(_ number: Int, step: UInt64? = nil, log: String? = nil, words: [String] = [])
        -> FailureEvent
    {
        FailureEvent(
            time: Date(timeIntervalSince1970: 1.25 + Double(number)), step: step, text: "worker \(number) was lost",
            log: log, logTail: words)
    }

    @Test("Nothing went wrong, nothing is said")
    func nothing() {
        #expect(FailureText(events: [], omitted: 0).lines.isEmpty)
    }

    @Test("The first cause comes with its last log lines")
    func cause() {
        let local = FailureText(
            events: [Self.event(1, step: 1_200, log: "w.log", words: ["a", "b"])], omitted: 0)
        #expect(
            local.lines == [
                "first cause: at 00:00:02.250 in step 1,200 worker 1 was lost", "  its last log lines, in w.log:",
                "    a", "    b",
            ])
        let remote = FailureText(events: [Self.event(1, words: ["a"])], omitted: 0)
        #expect(
            remote.lines == [
                "first cause: at 00:00:02.250 worker 1 was lost", "  its last log lines, as it sent them:", "    a",
            ])
    }

    @Test("Eight consequences are listed, the others counted", arguments: [1, 8, 9])
    func consequences(count: Int) {
        let lines = FailureText(events: (0...count).map { Self.event($0) }, omitted: 0).lines
        #expect(lines[1] == "  what followed:" && lines[2] == "    at 00:00:02.250 worker 1 was lost")
        #expect(lines.count == 2 + min(count, 8) + (count > 8 ? 1 : 0))
        #expect((lines.last == "    and 1 more") == (count > 8))
        let more = FailureText(events: (0...8).map { Self.event($0) }, omitted: 5).lines
        #expect(more.last == "    and 5 more")
    }
}
